"""What the whole fleet costs that nobody asks for anything."""

import asyncio

import pytest

from benchmarks.idle import MIB_AT_MOST, SHARE_AT_MOST, measure, report
from benchmarks.processes import tree
from tests.integration.fleet import Fleet

SETTLE_S, SECONDS = 20.0, 60.0


@pytest.mark.soak
async def test_idle_fleet_stays_within_its_memory_and_cpu(own_fleet: Fleet) -> None:
    own_fleet.start()
    # Replicas import what makes the first load quicker after they are ready.
    await asyncio.sleep(SETTLE_S)
    usages = await asyncio.to_thread(measure, tree(own_fleet.pid), SECONDS)
    own_fleet.stop()
    assert sum(u.pss_mib for u in usages) <= MIB_AT_MOST, report(usages)
    assert sum(u.cpu_share for u in usages) <= SHARE_AT_MOST, report(usages)
