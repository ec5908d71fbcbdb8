import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx2 as httpx
import pytest

from fleetserve.announcements import (
    Announcement,
    InstanceState,
    ModelInstance,
    ReplicaState,
)
from fleetserve.clock import SystemClock
from fleetserve.manifest import Manifest
from fleetserve.tokens import TokenSigner, TokenVerifier, make_secrets
from model_registry_svc.loading import ReplicaLoader, choose_replica
from model_registry_svc.orders import DownloadOrder
from model_registry_svc.tracking import Tracker
from tests.unit.model_registry_svc.conftest import Registry

Announce = Callable[..., None]
MANIFEST = Manifest("m", "huggingface", "org/m", "rev", "fill-mask", (), 100, 0.0)
ORDER = DownloadOrder("huggingface", "org/m", "m")


def replica(replica_id: str, *models: ModelInstance, **fields: object) -> Announcement:
    base = {
        "service": "inference-svc",
        "address": "http://r",
        "boot_id": "b",
        "state": ReplicaState.READY,
        "room_bytes": 1000,
    }
    return Announcement(replica_id=replica_id, models=models, **{**base, **fields})  # type: ignore[arg-type]


def chosen(*announced: Announcement) -> str | None:
    found = choose_replica(list(announced), MANIFEST)
    return found.replica_id if found else None


def test_replica_with_the_most_room_is_chosen() -> None:
    assert chosen(replica("a", room_bytes=500), replica("b", room_bytes=900)) == "b"


def test_replica_that_does_not_count_its_room_may_be_asked() -> None:
    assert chosen(replica("a", room_bytes=-1)) == "a"


@pytest.mark.parametrize(
    "fields",
    [{"room_bytes": 99}, {"service": "audio-svc"}, {"state": ReplicaState.DRAINING}],
)
def test_replica_that_cannot_serve_it_is_not_asked(fields: dict[str, object]) -> None:
    assert chosen(replica("a", **fields)) is None


def test_model_that_is_loaded_somewhere_is_not_loaded_twice() -> None:
    holder = replica("a", ModelInstance("m", "rev", InstanceState.READY))
    assert chosen(holder, replica("b")) is None
    older = replica("a", ModelInstance("m", "old", InstanceState.READY), room_bytes=100)
    assert chosen(older, replica("b")) == "b"


class Replica:
    """What a replica's end of the call sees."""

    def __init__(self, verifier: TokenVerifier) -> None:
        self._verifier = verifier
        self.paths: list[str] = []
        self.callers: list[str] = []
        self.fails = False

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if self.fails:
            raise httpx.ConnectError("refused")
        self.paths.append(f"{request.method} {request.url.path}")
        self.callers.append(self._verifier.check(request.headers["x-fleet-token"]))
        return httpx.Response(202)


@pytest.fixture
def end(tmp_path: Path) -> Replica:
    make_secrets(tmp_path / "secrets", ["model-registry-svc", "inference-svc"])
    return Replica(TokenVerifier(tmp_path / "secrets", "inference-svc", SystemClock()))


@pytest.fixture
async def loader(
    registry: Registry, tmp_path: Path, end: Replica, anyio_backend: str
) -> AsyncIterator[ReplicaLoader]:
    loader = ReplicaLoader(
        Tracker(registry.queue, registry.library, SystemClock()),
        registry.library,
        registry.board,
        TokenSigner(tmp_path / "secrets", "model-registry-svc", SystemClock()),
        httpx.AsyncClient(transport=httpx.MockTransport(end)),
    )
    yield loader
    await loader.close()


async def settle() -> None:
    """Until the loader's tasks have ended."""
    tasks = [t for t in asyncio.all_tasks() if t.get_name().startswith("load-")]
    await asyncio.wait_for(asyncio.gather(*tasks), 10)


@pytest.mark.anyio
async def test_replica_is_asked_when_the_model_has_come(
    loader: ReplicaLoader, registry: Registry, announce: Announce, end: Replica
) -> None:
    announce("r1", room_bytes=10**9)
    started = registry.downloads.start(ORDER)
    loader.load_when_done(started.download_id)
    loader.load_when_done(started.download_id)
    assert end.paths == []
    await asyncio.to_thread(registry.work)
    await settle()
    assert started.plan is not None
    assert end.paths == [f"PUT /internal/models/m@{started.plan.revision}"]
    assert end.callers == ["model-registry-svc"]


@pytest.mark.anyio
@pytest.mark.parametrize("trouble", ["no replica", "call fails", "unknown download"])
async def test_what_goes_wrong_is_left_to_the_first_request(
    loader: ReplicaLoader, registry: Registry, announce: Announce, end: Replica, trouble: str
) -> None:
    end.fails = True
    if trouble == "call fails":
        announce("r1", room_bytes=10**9)
    started = registry.downloads.start(ORDER)
    registry.work()
    loader.load_when_done("dl-none" if trouble == "unknown download" else started.download_id)
    await settle()
    assert end.paths == []
