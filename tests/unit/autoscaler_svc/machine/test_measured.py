from pathlib import Path

import httpx
import pytest

from autoscaler_svc.machine.measured import GPUS_EVERY_S, MeasuredMachine
from fleetserve.clock import ManualClock
from fleetserve.tokens import CALLS, TokenSigner, make_secrets

SERVICES = ["http://gpu"]


class Far:
    """gpu-svc, which answers as it is told."""

    def __init__(self) -> None:
        self.answer = httpx.Response(200, json={"suitable_gpus": 4})
        self.asked = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        assert request.url.path == "/gpu/detect"
        assert request.headers["x-fleet-token"].startswith("autoscaler-svc.")
        return self.answer


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def far() -> Far:
    return Far()


@pytest.fixture
def machine(tmp_path: Path, clock: ManualClock, far: Far) -> MeasuredMachine:
    make_secrets(tmp_path, [*CALLS, "gpu-svc"])
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal: 8192 kB\nMemFree: 1 kB\nMemAvailable: 2048 kB\n")
    signer = TokenSigner(tmp_path, "autoscaler-svc", clock)
    return MeasuredMachine(clock, signer, transport=httpx.MockTransport(far), meminfo=meminfo)


async def test_free_memory_is_what_is_available(machine: MeasuredMachine) -> None:
    assert (await machine.look()).free_mb == 2.0


async def test_unknown_memory_is_told_as_such(machine: MeasuredMachine, tmp_path: Path) -> None:
    (tmp_path / "meminfo").unlink()
    assert (await machine.look()).free_mb < 0


async def test_gpus_are_asked_for_now_and_then(
    machine: MeasuredMachine, clock: ManualClock, far: Far
) -> None:
    assert (await machine.look(SERVICES)).gpus == 4
    far.answer = httpx.Response(200, json={"suitable_gpus": 2})
    assert (await machine.look(SERVICES)).gpus == 4
    await clock.advance(GPUS_EVERY_S + 1)
    assert (await machine.look(SERVICES)).gpus == 2
    assert far.asked == 2


@pytest.mark.parametrize(
    "answer", [httpx.Response(503, text="away"), httpx.Response(200, json={"gpus": []})]
)
async def test_where_replicas_compute_on_one_there_is_one(
    machine: MeasuredMachine, far: Far, answer: httpx.Response
) -> None:
    far.answer = answer
    assert (await machine.look(SERVICES)).gpus == 1
    assert (await machine.look([])).gpus == 1


async def test_gpus_that_can_not_be_counted_now_are_as_many_as_before(
    machine: MeasuredMachine, clock: ManualClock, far: Far
) -> None:
    await machine.look(SERVICES)
    await clock.advance(GPUS_EVERY_S + 1)
    far.answer = httpx.Response(503)
    assert (await machine.look(SERVICES)).gpus == 4
