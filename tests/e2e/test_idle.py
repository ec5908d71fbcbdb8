"""What a fleet of containers costs that nobody asks for anything."""

import time

import pytest

from benchmarks.idle import MIB_AT_MOST, SHARE_AT_MOST, Usage, measure, report
from benchmarks.processes import pss_mib
from tests.e2e.compose_fleet import ComposeFleet
from tests.integration.test_idle import SECONDS, SETTLE_S

# The tests' own, not the fleet's.
HUB = "hub-1"


def fleet_pids(fleet: ComposeFleet) -> set[int]:
    return fleet.pids() - fleet.pids(HUB)


@pytest.mark.docker
def test_fresh_fleet_fits_its_memory(own_fleet: ComposeFleet) -> None:
    own_fleet.up()
    assert pss_mib(fleet_pids(own_fleet)) <= MIB_AT_MOST


@pytest.mark.soak
@pytest.mark.docker
def test_idle_fleet_stays_within_its_memory_and_cpu(own_fleet: ComposeFleet) -> None:
    own_fleet.up()
    # Replicas import what makes the first load quicker after they are ready.
    time.sleep(SETTLE_S)
    usages: list[Usage] = measure(fleet_pids(own_fleet), SECONDS)
    assert sum(u.pss_mib for u in usages) <= MIB_AT_MOST, report(usages)
    assert sum(u.cpu_share for u in usages) <= SHARE_AT_MOST, report(usages)
