"""The long campaign: kill -9 of a replica every few seconds for a minute, under load."""

import asyncio
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.load import EXAMPLE_BODY, Tally, closed_loop
from tests.hub.server import HubServer
from tests.integration.autoscaler_svc.conftest import INFERENCE, QUICK, Scaling
from tests.integration.fleet import Fleet

REPLICAS, CONNECTIONS = 4, 16
SECONDS, EVERY_S = 60, 6


@pytest.fixture
def fleet(tmp_path: Path, hub: HubServer) -> Iterator[Fleet]:
    bounds = {"FLEETSERVE_AUTOSCALER__MAX_REPLICAS": str(REPLICAS)}
    with Fleet(tmp_path, {"HF_ENDPOINT": hub.url, **QUICK, **bounds}).running() as fleet:
        yield fleet


def account(tally: Tally, killed: int) -> str:
    ordered = sorted(tally.latencies_s)
    p50, p99 = (ordered[int(len(ordered) * q)] * 1000 for q in (0.5, 0.99))
    return (
        f"{killed} kills in {SECONDS} s at {REPLICAS} replicas and {CONNECTIONS} connections: "
        f"{len(ordered)} requests answered, {sum(tally.failures.values())} failed, "
        f"p50 {p50:.1f} ms, p99 {p99:.1f} ms, {sum(s > 1 for s in ordered)} over 1 s, "
        f"longest {ordered[-1] * 1000:.0f} ms"
    )


@pytest.mark.soak
async def test_a_minute_of_killed_replicas_costs_no_request(
    fleet: Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    async with fleet.client() as client:
        scaling = Scaling(client)
        await scaling.scale(REPLICAS)
        load = closed_loop(f"{fleet.url}/predict", EXAMPLE_BODY, CONNECTIONS, SECONDS)
        busy, killed = asyncio.create_task(load), 0
        while not (await asyncio.wait([busy], timeout=EVERY_S))[0]:
            # The one that has lived longest: each in its turn.
            os.kill(fleet.replica_pids(INFERENCE)[0], signal.SIGKILL)
            killed += 1
        tally = await busy
        with capsys.disabled():
            sys.stdout.write(f"\n{account(tally, killed)}\n")
        assert tally.failures == {}
        assert killed >= SECONDS // EVERY_S - 1
        await scaling.until(lambda t: t["services"][INFERENCE]["ready_replicas"] == REPLICAS)
    assert len(fleet.replica_pids(INFERENCE)) == REPLICAS
