"""The worker as a process: killed, stopped, alone, without Redis."""

import time
from pathlib import Path

import httpx
import pytest

from tests.hub import Fault, FaultKind, HubServer
from tests.integration.model_registry_svc.stack import FINISH_S, Stack, follow, wait_for
from tests.integration.model_registry_svc.test_downloads import (
    BIG,
    SMALL,
    assert_whole,
    download,
    manifest,
)

RESUMED_WITHIN_S = 15.0
# What the hub had handed to the sockets of a process that was killed.
LOST_IN_SOCKETS = 4_000_000


@pytest.fixture
def slow_hub(hub: HubServer) -> HubServer:
    """Sends its first answer so slowly that there is time to do something meanwhile."""
    hub.fail(Fault(kind=FaultKind.SLOW, path="*.safetensors", bytes_per_s=4_000_000))
    return hub


def test_killed_worker_resumes_when_it_is_back_without_being_asked(
    stack: Stack, registry: httpx.Client, slow_hub: HubServer
) -> None:
    worker = stack.worker()
    states = follow(registry, download(registry, BIG))
    before = next(s["bytes_done"] for s in states if s["bytes_done"] > 3_000_000)
    worker.kill()
    killed_s = time.monotonic()
    stack.worker()
    after = next(s["bytes_done"] for s in states if s["bytes_done"] > before + 5_000_000)
    assert time.monotonic() - killed_s < RESUMED_WITHIN_S
    rest = [after, *(s["bytes_done"] for s in states)]
    assert rest == sorted(rest)
    assert_whole(stack, "big")
    assert slow_hub.log.bytes_sent_twice("model.safetensors") < LOST_IN_SOCKETS
    (begun, resumed) = slow_hub.log.bodies("model.safetensors")
    assert resumed.start is not None
    assert resumed.start >= before - 2
    assert begun.bytes_sent < 60_000_000


def test_another_worker_takes_over_from_a_killed_one(
    stack: Stack, registry: httpx.Client, slow_hub: HubServer
) -> None:
    first = stack.worker("first")
    states = follow(registry, download(registry, BIG))
    before = next(s["bytes_done"] for s in states if s["bytes_done"] > 3_000_000)
    stack.worker("second")
    first.kill()
    killed_s = time.monotonic()
    assert len(slow_hub.log.bodies("model.safetensors")) == 1
    assert next(s for s in states if s["bytes_done"] > before + 5_000_000)
    assert time.monotonic() - killed_s < RESUMED_WITHIN_S
    assert list(states)[-1]["status"] == "completed"
    assert_whole(stack, "big")


def test_stopped_worker_lets_go_so_that_another_goes_on_at_once(
    stack: Stack, registry: httpx.Client, slow_hub: HubServer
) -> None:
    first = stack.worker("first")
    states = follow(registry, download(registry, BIG))
    before = next(s["bytes_done"] for s in states if s["bytes_done"] > 3_000_000)
    stack.worker("second")
    stopped_s = time.monotonic()
    assert first.terminate() == 0
    assert next(s for s in states if s["bytes_done"] > before + 5_000_000)
    assert time.monotonic() - stopped_s < 4.0
    assert list(states)[-1]["status"] == "completed"
    assert_whole(stack, "big")
    assert slow_hub.log.bytes_sent_twice("model.safetensors") < LOST_IN_SOCKETS


def test_redis_that_comes_back_empty_is_told_again_and_downloads_go_on(
    stack: Stack, registry: httpx.Client
) -> None:
    stack.worker()
    registry.post("/models/download", json={**SMALL, "wait": True})
    stack.redis.stop()
    began_s = time.monotonic()
    refused = registry.post("/models/download", json=BIG)
    assert (refused.status_code, "retry-after" in refused.headers) == (503, True)
    assert time.monotonic() - began_s < 3.0
    assert registry.get("/models").json()["models"] == [
        "example",
        "small",
        "tiny_stt",
        "tiny_tts",
    ]
    stack.redis.start()
    states = list(follow(registry, download(registry, BIG)))
    assert states[-1]["status"] == "completed"
    wait_for(
        lambda: registry.get("/models").json()["model_info"]["small"]["state"] == "ready", FINISH_S
    )


def test_download_goes_on_over_a_redis_that_hangs_for_a_while(
    stack: Stack, registry: httpx.Client, hub: HubServer
) -> None:
    hub.fail(Fault(kind=FaultKind.SLOW, path="*.safetensors", bytes_per_s=10_000_000))
    stack.worker()
    download_id = download(registry, BIG)
    part = stack.models_dir / "big" / ".partial"
    wait_for(lambda: _size(part) > 5_000_000, FINISH_S)
    stack.redis.hang()
    wait_for(lambda: _size(part) > 25_000_000, FINISH_S)
    stack.redis.resume()
    states = list(follow(registry, download_id))
    assert states[-1]["status"] == "completed"
    assert hub.log.bytes_sent_twice("model.safetensors") == 0
    assert manifest(stack, "big")["size_bytes"] == 60_000_002


def test_worker_is_small_and_has_no_children(stack: Stack, registry: httpx.Client) -> None:
    worker = stack.worker()
    registry.post("/models/download", json={**SMALL, "wait": True})
    status = Path(f"/proc/{worker.pid}/status").read_text()
    resident = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    assert int(resident.split()[1]) < 80_000
    children = Path(f"/proc/{worker.pid}/task/{worker.pid}/children").read_text()
    assert children.strip() == ""


def test_registry_says_whether_a_worker_is_there(stack: Stack, registry: httpx.Client) -> None:
    def check() -> dict[str, object]:
        found: dict[str, object] = registry.get("/health").json()["checks"]["download_worker"]
        return found

    assert check()["healthy"] is False
    worker = stack.worker()
    wait_for(lambda: check()["healthy"], FINISH_S)
    worker.terminate()
    wait_for(lambda: not check()["healthy"], FINISH_S)


def test_wrong_catalogue_stops_the_start_with_file_line_and_key(stack: Stack) -> None:
    stack.catalogue.write_text('{\n  "load_at_start": ["none"]\n}')
    with pytest.raises(RuntimeError, match=r"models\.json:2: load_at_start: 'none' is not in"):
        stack.registry()


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.glob("*.part"))
