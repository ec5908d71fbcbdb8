from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from fleetserve.announcements import Announcement, ReplicaState, encode_announcement
from fleetserve.clock import SystemClock
from fleetserve.errors import ModelNotFoundError, UnavailableError
from fleetserve.keys import Keys
from fleetserve.redis_client import make_redis
from fleetserve.tokens import TokenSigner, TokenVerifier, make_secrets
from fleetserve.tunings import Tuning
from inference_svc.optimization.store.registry import RegistryTuningStore, registry_address
from tests.redis_server import RedisServer

REGISTRY = "model-registry-svc"
TUNING = Tuning("r", "t", "h", "bf16")
Answering = Callable[[httpx.Request], httpx.Response]


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    make_secrets(tmp_path, ["inference-svc", REGISTRY])
    return tmp_path


def store(secrets: Path, answer: Answering) -> RegistryTuningStore:
    async def find() -> str:
        return "http://registry"

    signer = TokenSigner(secrets, "inference-svc", SystemClock())
    return RegistryTuningStore(find, signer, httpx.MockTransport(answer))


async def test_the_registry_takes_the_token(secrets: Path) -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200)

    kept = store(secrets, answer)
    await kept.put("a model", TUNING)
    await kept.close()
    (request,) = seen
    assert (request.method, request.url.raw_path) == ("PUT", b"/internal/tunings/a%20model")
    verifier = TokenVerifier(secrets, REGISTRY, SystemClock())
    assert verifier.check(request.headers["x-fleet-token"]) == "inference-svc"


def failing(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("refused")


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (lambda _: httpx.Response(404), ModelNotFoundError),
        (lambda _: httpx.Response(500), UnavailableError),
        (failing, UnavailableError),
    ],
)
async def test_what_goes_wrong_is_told(
    secrets: Path, answer: Answering, error: type[Exception]
) -> None:
    kept = store(secrets, answer)
    with pytest.raises(error):
        await kept.put("m", TUNING)
    await kept.close()


async def test_registry_is_found_by_what_it_announces(redis_server: RedisServer) -> None:
    keys, client = Keys("tunings"), make_redis(redis_server.url)
    with pytest.raises(UnavailableError, match="not ready"):
        await registry_address(client, keys)
    told = Announcement(REGISTRY, "r1", "http://here", "b", ReplicaState.READY)
    await client.set(keys.announcement(REGISTRY, "r0"), b"nonsense")
    await client.set(keys.announcement(REGISTRY, "r1"), encode_announcement(told))
    assert await registry_address(client, keys) == "http://here"
    await client.aclose()


async def test_redis_away_is_told() -> None:
    client = make_redis("redis://127.0.0.1:1/0")
    with pytest.raises(UnavailableError, match="Redis"):
        await registry_address(client, Keys("tunings"))
    await client.aclose()
