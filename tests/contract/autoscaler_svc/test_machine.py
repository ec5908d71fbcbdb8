"""What every adapter of the Machine port tells."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from autoscaler_svc.bounds import Room
from autoscaler_svc.machine.base import Machine
from autoscaler_svc.machine.measured import MeasuredMachine
from autoscaler_svc.machine.memory import MemoryMachine
from fleetserve.clock import ManualClock
from fleetserve.tokens import CALLS, TokenSigner, make_secrets


@pytest.fixture(params=["memory", "measured"])
async def machine(
    request: pytest.FixtureRequest, tmp_path: Path, anyio_backend: str
) -> AsyncIterator[Machine]:
    if request.param == "memory":
        yield MemoryMachine(Room(cores=3, free_mb=900.0, gpus=2))
        return
    make_secrets(tmp_path, [*CALLS, "gpu-svc"])
    clock = ManualClock()
    gpus = httpx.MockTransport(lambda _: httpx.Response(200, json={"suitable_gpus": 2}))
    signer = TokenSigner(tmp_path, "autoscaler-svc", clock)
    machine = MeasuredMachine(clock, signer, transport=gpus)
    yield machine
    await machine.close()


async def test_there_is_at_least_a_core(machine: Machine) -> None:
    assert (await machine.look()).cores >= 1


async def test_gpus_are_none_of_those_who_compute_on_the_cpu(machine: Machine) -> None:
    assert (await machine.look()).gpus == 0
    assert (await machine.look(None)).gpus == 0


async def test_gpus_are_counted_for_those_who_compute_on_them(machine: Machine) -> None:
    assert (await machine.look(["http://gpu"])).gpus == 2
