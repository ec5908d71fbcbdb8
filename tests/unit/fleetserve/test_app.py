import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

import httpx
import pytest
from fastapi import APIRouter, Body, FastAPI
from prometheus_client.parser import text_string_to_metric_families
from pydantic import BaseModel, Field

from fleetserve.announcements import ReplicaState, decode_announcement
from fleetserve.app import create_app, wrap_control
from fleetserve.errors import ConflictError
from fleetserve.redis_client import make_redis
from fleetserve.runtime import ServiceRuntime
from tests.redis_server import RedisServer

router = APIRouter()


class Inner(BaseModel):
    count: Annotated[int, Field(ge=0)]


class Thing(BaseModel):
    name: str
    inner: Inner


@router.post("/things")
async def post_thing(thing: Annotated[Thing, Body()], size: int = 1) -> dict[str, int]:
    return {"count": thing.inner.count * size}


@router.get("/taken")
async def get_taken() -> None:
    raise ConflictError("The name is taken.")


@router.get("/broken")
async def get_broken() -> None:
    raise RuntimeError("s3cret")


async def failing_check() -> str:
    raise ConnectionError("refused")


@pytest.fixture
def app(runtime: ServiceRuntime) -> FastAPI:
    return create_app(runtime, title="t", routers=[router])


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    served = wrap_control(app, require_token=False)
    transport = httpx.ASGITransport(served, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://t") as client:
        yield client


async def test_healthy_service_says_who_it_is_and_what_it_checked(
    client: httpx.AsyncClient,
) -> None:
    answer = await client.get("/health")
    told = answer.json()
    assert answer.status_code == 200
    assert (told["success"], told["healthy"], told["status"]) == (True, True, "ok")
    assert (told["service"], told["replica_id"], told["state"]) == ("gateway", "g1", "ready")
    assert told["checks"]["redis"]["healthy"] is True
    assert told["checks"]["redis"]["latency_ms"] > 0


@pytest.mark.parametrize("fault", ["stop", "hang"])
async def test_redis_away_is_degraded_within_a_second_and_still_200(
    client: httpx.AsyncClient, redis_server: RedisServer, fault: str
) -> None:
    getattr(redis_server, fault)()
    async with asyncio.timeout(1.0):
        answer = await client.get("/health")
    told = answer.json()
    assert answer.status_code == 200
    assert (told["healthy"], told["status"]) == (True, "degraded")
    assert told["checks"]["redis"]["healthy"] is False
    assert told["checks"]["redis"]["detail"]


async def test_services_own_checks_stand_beside_redis(runtime: ServiceRuntime) -> None:
    app = create_app(runtime, title="t", checks={"disk": failing_check})
    transport = httpx.ASGITransport(wrap_control(app, require_token=False))
    async with httpx.AsyncClient(transport=transport, base_url="http://t") as client:
        told = (await client.get("/health")).json()
    assert told["status"] == "degraded"
    assert told["checks"]["disk"]["detail"] == "refused"


@pytest.mark.parametrize(
    ("kind", "statuses"), [("readiness", (503, 200, 503)), ("liveness", (503, 503, 503))]
)
async def test_reason_against_the_process_is_told_where_it_matters(
    client: httpx.AsyncClient, runtime: ServiceRuntime, kind: str, statuses: tuple[int, ...]
) -> None:
    getattr(runtime, kind).append(lambda: "loading")
    answers = [await client.get(path) for path in ("/health", "/health/live", "/health/ready")]
    assert tuple(answer.status_code for answer in answers) == statuses
    assert answers[0].json()["status"] == "down"
    assert "loading" in answers[0].json()["reasons"]
    assert answers[2].json()["reasons"] == ["loading"]


async def test_draining_process_is_live_and_not_ready(
    client: httpx.AsyncClient, runtime: ServiceRuntime
) -> None:
    runtime.draining = True
    assert (await client.get("/health/live")).status_code == 200
    answer = await client.get("/health/ready")
    assert answer.status_code == 503
    assert answer.json()["reasons"] == ["draining"]


async def test_metrics_are_prometheus_text(client: httpx.AsyncClient) -> None:
    await client.get("/taken")
    answer = await client.get("/metrics")
    families = {family.name for family in text_string_to_metric_families(answer.text)}
    assert answer.headers["content-type"].startswith("text/plain")
    assert {"fleetserve_requests", "fleetserve_in_flight", "process_cpu_seconds"} <= families


async def test_error_raised_anywhere_is_rendered(client: httpx.AsyncClient) -> None:
    answer = await client.get("/taken")
    assert answer.status_code == 409
    assert answer.json()["detail"] == "The name is taken."


async def test_error_outside_the_tree_is_opaque(client: httpx.AsyncClient) -> None:
    answer = await client.get("/broken")
    assert answer.status_code == 500
    assert answer.json()["code"] == "internal_error"
    assert "s3cret" not in answer.text


async def test_unknown_path_says_where_the_routes_are(client: httpx.AsyncClient) -> None:
    answer = await client.get("/nowhere")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert "GET /nowhere" in answer.json()["detail"]
    assert "/docs" in answer.json()["detail"]


async def test_wrong_method_says_which_are_right(client: httpx.AsyncClient) -> None:
    answer = await client.delete("/things")
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert answer.headers["allow"] == "POST"


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ({"inner": {"count": 1}}, "name"),
        ({"name": "a", "inner": {"count": -1}}, "inner.count"),
        ({"name": 3, "inner": {"count": 1}}, "name"),
        ([1, 2], "body"),
    ],
)
async def test_wrong_body_names_the_field(
    client: httpx.AsyncClient, content: object, field: str
) -> None:
    answer = await client.post("/things", json=content)
    assert answer.status_code == 422
    assert answer.json()["field"] == field
    assert answer.json()["detail"].startswith(f"{field}: ")


async def test_wrong_query_names_the_parameter(client: httpx.AsyncClient) -> None:
    answer = await client.post("/things?size=x", json={"name": "a", "inner": {"count": 1}})
    assert (answer.status_code, answer.json()["field"]) == (422, "size")


async def test_body_that_is_no_json_is_a_400(client: httpx.AsyncClient) -> None:
    answer = await client.post(
        "/things", content=b"{", headers={"content-type": "application/json"}
    )
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")


async def test_life_cycle_announces_pushes_and_says_goodbye(
    app: FastAPI, runtime: ServiceRuntime, redis_server: RedisServer
) -> None:
    closed = []
    started = asyncio.Event()

    async def background() -> None:
        started.set()
        await asyncio.Event().wait()

    async def close() -> None:
        closed.append(True)

    runtime.background.append(background)
    runtime.on_shutdown.append(close)
    key = runtime.keys.announcement("gateway", "g1")
    async with make_redis(redis_server.url) as client, client.pubsub() as pubsub:
        await pubsub.subscribe(runtime.keys.announcements_channel)
        await pubsub.get_message(timeout=1)
        async with app.router.lifespan_context(app):
            await started.wait()
            first = await pubsub.get_message(ignore_subscribe_messages=True, timeout=2)
        last = await pubsub.get_message(ignore_subscribe_messages=True, timeout=2)
        assert first is not None
        assert last is not None
        assert decode_announcement(first["data"]).state is ReplicaState.READY
        assert decode_announcement(last["data"]).state is ReplicaState.GONE
        assert await client.exists(key) == 0
    assert closed == [True]
