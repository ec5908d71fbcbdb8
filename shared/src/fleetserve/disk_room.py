"""A disk that is full, as callers are told of it."""

import errno
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from fleetserve.errors import DoesNotFitError


@contextmanager
def full_disk_as(message: str, code: str) -> Iterator[None]:
    """Raises: DoesNotFitError: what is written inside finds its disk full; it says ``message``."""
    try:
        yield
    except OSError as exc:
        if exc.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise DoesNotFitError(message, code=code) from exc


def room_to_spool() -> AbstractContextManager[None]:
    """The same for bodies that wait in a file. Raises: DoesNotFitError."""
    return full_disk_as(
        "The disk that large bodies wait on (FLEETSERVE_CACHE_DIR) is full; small ones need none.",
        "no_disk_room",
    )
