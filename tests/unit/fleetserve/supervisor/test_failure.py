import json
from pathlib import Path

import pytest

from fleetserve.clock import ManualClock
from fleetserve.supervisor.failure import exit_text, explain_failure
from fleetserve.supervisor.process import ManagedProcess
from fleetserve.supervisor.spawner.memory import MemorySpawner
from tests.unit.fleetserve.supervisor.conftest import Diary, MakeLaunch, MemoryReadiness


@pytest.fixture
async def process(
    make_launch: MakeLaunch,
    spawner: MemorySpawner,
    clock: ManualClock,
    readiness: MemoryReadiness,
) -> ManagedProcess:
    readiness.address = None
    process = ManagedProcess(make_launch(), spawner=spawner, clock=clock, observer=Diary())
    process.start()
    await clock.advance(0)
    return process


async def ended(
    process: ManagedProcess, spawner: MemorySpawner, clock: ManualClock, code: int, said: str = ""
) -> None:
    spawner.children[0].say(said.encode())
    spawner.children[0].exit(code)
    await clock.advance(0)
    await process.stop()


async def test_block_tells_service_status_and_last_lines(
    process: ManagedProcess, spawner: MemorySpawner, clock: ManualClock, tmp_path: Path
) -> None:
    lines = "".join(f"line {n}\n" for n in range(40))
    await ended(process, spawner, clock, 3, f"{lines}ValueError: bad\n")
    text = explain_failure(process, tmp_path)
    assert text.startswith("inference-svc did not start: it ended with exit status 3.\n")
    assert "    line 39\n    ValueError: bad\n" in text
    assert "line 20\n" not in text
    assert "More in" not in text


async def test_block_names_the_files_that_have_more(
    process: ManagedProcess, spawner: MemorySpawner, clock: ManualClock, tmp_path: Path
) -> None:
    for name in ("inference-svc.out", "inference-svc-1.jsonl"):
        (tmp_path / name).touch()
    await ended(process, spawner, clock, 1)
    text = explain_failure(process, tmp_path)
    assert text.endswith(
        f"More in {tmp_path}/inference-svc.out and {tmp_path}/inference-svc-1.jsonl."
    )


@pytest.mark.parametrize(
    ("code", "said", "advice"),
    [
        (1, "ModuleNotFoundError: No module named 'soundfile'", "'soundfile' is not installed"),
        (1, "OSError: [Errno 98] Address already in use", "another PORT"),
        (137, "", "out of memory"),
        (1, "config.yaml:3: server.prot: no such key", "mend that"),
    ],
)
async def test_block_says_what_to_do(
    process: ManagedProcess,
    spawner: MemorySpawner,
    clock: ManualClock,
    tmp_path: Path,
    code: int,
    said: str,
    advice: str,
) -> None:
    await ended(process, spawner, clock, code, said)
    assert advice in explain_failure(process, tmp_path)


async def test_process_that_is_not_ready_in_time_is_explained_by_its_problem(
    process: ManagedProcess, tmp_path: Path
) -> None:
    text = explain_failure(process, tmp_path)
    assert "did not become ready in time: it does not listen yet" in text
    assert "FLEETSERVE_START_TIMEOUT_S=300" in text
    await process.stop()


async def test_errors_of_the_log_stand_in_for_a_process_that_printed_nothing(
    process: ManagedProcess, spawner: MemorySpawner, clock: ManualClock, tmp_path: Path
) -> None:
    entries = [
        {"level": "info", "event": "service.started", "replica": "inference-svc-1"},
        {"level": "error", "event": "of.another", "replica": "inference-svc-2"},
        {
            "level": "error",
            "event": "startup.failed",
            "replica": "inference-svc-1",
            "exception": "Traceback\nRuntimeError: no disk",
        },
    ]
    log = "not json\n" + "".join(f"{json.dumps(entry)}\n" for entry in entries)
    (tmp_path / "inference-svc-1.jsonl").write_text(log)
    await ended(process, spawner, clock, 1)
    text = explain_failure(process, tmp_path)
    assert "    startup.failed\n    Traceback\n    RuntimeError: no disk\n" in text
    assert "of.another" not in text


async def test_silence_is_named(
    process: ManagedProcess, spawner: MemorySpawner, clock: ManualClock, tmp_path: Path
) -> None:
    await ended(process, spawner, clock, 1)
    assert "(it printed nothing)" in explain_failure(process, tmp_path)


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (0, "exit status 0"),
        (3, "exit status 3"),
        (137, "killed by SIGKILL"),
        (139, "killed by SIGSEGV"),
        (255, "killed by signal 127"),
    ],
)
def test_exit_statuses_have_words(code: int, text: str) -> None:
    assert exit_text(code) == text
