import errno

import pytest

from fleetserve.disk_room import full_disk_as, room_to_spool
from fleetserve.errors import DoesNotFitError


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_full_disk_is_told_in_the_words_of_the_place(number: int) -> None:
    with pytest.raises(DoesNotFitError, match="No room") as told, full_disk_as("No room.", "full"):
        raise OSError(number, "as the system says it")
    assert (told.value.code, told.value.status) == ("full", 507)


def test_other_failures_stay_what_they_are() -> None:
    with pytest.raises(PermissionError), room_to_spool():
        raise PermissionError(errno.EACCES, "not yours")
