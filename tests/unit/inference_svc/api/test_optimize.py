import logging
from collections.abc import AsyncIterator

import httpx
import pytest
import structlog
from fastapi import FastAPI

from fleetserve.app import create_app
from fleetserve.errors import NotFoundError
from fleetserve.runtime import make_runtime
from fleetserve.settings import load_service_settings
from inference_svc.api.optimize import optimize_router
from inference_svc.optimization.runs import Run, RunState, Wish
from inference_svc.optimization.tolerance import Tolerance


class Asked:
    """An optimizer that only remembers."""

    def __init__(self) -> None:
        self.wishes: list[tuple[str, str, Wish]] = []
        self.cancelled: list[str] = []
        self.state = RunState.MEASURING

    async def start(self, name: str, revision: str, wish: Wish) -> Run:
        self.wishes.append((name, revision, wish))
        return Run(name, revision, wish, self.state)

    async def find(self, name: str, wait_s: float) -> Run:
        if name == "nobody":
            raise NotFoundError("nobody was not optimised here.")
        return Run(name, "r", Wish(), self.state)

    async def cancel(self, name: str) -> None:
        self.cancelled.append(name)


@pytest.fixture
def asked() -> Asked:
    return Asked()


@pytest.fixture
async def http(
    asked: Asked, tmp_path: object, anyio_backend: str
) -> AsyncIterator[httpx.AsyncClient]:
    environ = {
        "FLEETSERVE_HOME": str(tmp_path),
        "FLEETSERVE_CONFIG": f"{tmp_path}/none",
        "FLEETSERVE_LOGGING__STDOUT": "false",
    }
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    runtime = make_runtime(load_service_settings("inference-svc", environ))
    app: FastAPI = create_app(runtime, title="t", routers=[optimize_router])
    app.state.optimizer = lambda: asked
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://replica") as client:
        yield client
    await runtime.redis.aclose()
    runtime.sink.close()
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


async def test_wish_is_read_and_how_far_it_is_answered(
    http: httpx.AsyncClient, asked: Asked
) -> None:
    body = {"candidates": ["bf16"], "tolerance": {"min_cosine": 0.9}}
    answer = await http.post("/internal/optimize/org@m@r1", json=body)
    assert (answer.status_code, answer.json()["state"]) == (202, "measuring")
    assert asked.wishes == [("org@m", "r1", Wish(("bf16",), Tolerance(min_cosine=0.9)))]


async def test_no_body_means_what_is_worth_trying(http: httpx.AsyncClient, asked: Asked) -> None:
    await http.post("/internal/optimize/m@r1")
    assert asked.wishes[0][2] == Wish()


async def test_one_that_is_finished_is_a_200(http: httpx.AsyncClient, asked: Asked) -> None:
    asked.state = RunState.FAILED
    answer = await http.get("/internal/optimize/m?wait_s=0")
    assert (answer.status_code, answer.json()["success"]) == (200, False)


async def test_it_can_be_stopped(http: httpx.AsyncClient, asked: Asked) -> None:
    assert (await http.delete("/internal/optimize/m")).status_code == 200
    assert asked.cancelled == ["m"]


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/internal/optimize/m", {}, 404),
        ("GET", "/internal/optimize/nobody", None, 404),
        ("POST", "/internal/optimize/m@r", {"candidates": "bf16"}, 422),
        ("POST", "/internal/optimize/m@r", {"tolerance": {"cosine": 1}}, 422),
    ],
)
async def test_wrong_requests_are_refused(
    http: httpx.AsyncClient, method: str, path: str, body: object, status: int
) -> None:
    assert (await http.request(method, path, json=body)).status_code == status
