import asyncio
from pathlib import Path

import pytest

from fleetserve.clock import ManualClock
from fleetserve.supervisor import readiness as readiness_module
from fleetserve.supervisor.http_probe import ProbeError
from fleetserve.supervisor.readiness import HttpReadiness, WorkerReadiness

ADDRESS = "http://127.0.0.1:7"


class Service:
    """Gives the answers in turn, the last one for ever."""

    def __init__(self, *answers: tuple[int, str] | ProbeError) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []
        self.readiness: HttpReadiness | None = None
        self.problems: list[str] = []

    async def get(self, url: str) -> tuple[int, str]:
        self.asked.append(url)
        assert self.readiness is not None
        self.problems.append(self.readiness.problem)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, ProbeError):
            raise answer
        return answer


async def test_worker_is_ready_when_its_file_is_there(tmp_path: Path, clock: ManualClock) -> None:
    path = tmp_path / "abc"
    worker = WorkerReadiness(path, clock)
    worker.reset()
    waiting = asyncio.create_task(worker.wait())
    await clock.advance(5)
    assert not waiting.done()
    path.write_text("ready\n")
    await clock.advance(1)
    assert await waiting == ""


async def test_service_is_ready_when_it_says_so(
    tmp_path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = Service(ProbeError("refused"), (503, '{"reasons":["loading"]}'), (200, "{}"))
    monkeypatch.setattr(readiness_module, "get", service.get)
    path = tmp_path / "abc"
    service.readiness = http = HttpReadiness(path, clock)
    http.reset()
    waiting = asyncio.create_task(http.wait())
    path.write_text(f"{ADDRESS}\n")
    await clock.advance(1)
    assert await waiting == ADDRESS
    assert service.asked == [f"{ADDRESS}/health/ready"] * 3
    assert service.problems == [
        "it does not listen yet",
        "GET /health/ready fails: refused",
        'GET /health/ready answers 503: {"reasons":["loading"]}',
    ]


async def test_reset_forgets_the_address_of_an_earlier_run(
    tmp_path: Path, clock: ManualClock
) -> None:
    path = tmp_path / "abc"
    path.write_text(ADDRESS)
    HttpReadiness(path, clock).reset()
    assert not path.exists()
