import pytest

from fleetserve.clock import ManualClock


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(1_767_225_600.0)
