"""A fleet of local processes whose autoscaler is quick, for the tests of this folder."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import httpx
import pytest

from tests.hub.server import HubServer
from tests.integration.fleet import Fleet

INFERENCE = "inference-svc"
# Windows of seconds: the same decisions, sooner.
QUICK = {
    "FLEETSERVE_AUTOSCALER__STABLE_WINDOW_S": "4",
    "FLEETSERVE_AUTOSCALER__PANIC_WINDOW_S": "2",
    "FLEETSERVE_AUTOSCALER__SCALE_DOWN_DELAY_S": "3",
    "FLEETSERVE_AUTOSCALER__INTERVAL_S": "0.5",
    "FLEETSERVE_AUTOSCALER__MAX_REPLICAS": "3",
}
DEADLINE_S = 60.0


@pytest.fixture(scope="module")
def quick_fleet(tmp_path_factory: pytest.TempPathFactory, hub: HubServer) -> Iterator[Fleet]:
    """One for the module: leave it with one replica of each kind."""
    with Fleet(
        tmp_path_factory.mktemp("quick"), {"HF_ENDPOINT": hub.url, **QUICK}
    ).running() as fleet:
        yield fleet


class Scaling:
    """What the tests ask of the autoscaler, through the gateway."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client

    async def stats(self) -> dict[str, Any]:
        answer = await self.client.get("/autoscaler/stats")
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    async def scale(self, number: int, model: str = "example") -> dict[str, Any]:
        """Returns when it is so."""
        body = {"model_name": model, "target_instances": number, "wait": True}
        answer = await self.client.post("/autoscaler/scale", json=body)
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    async def replicas(self, service: str = INFERENCE) -> dict[str, str]:
        """Unit by replica id, of those that are ready."""
        told = (await self.stats())["services"][service]["replicas"]
        return {r["replica_id"]: r["unit"] for r in told if r["state"] == "ready"}

    async def until(self, is_so: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The stats that are so first. Raises: AssertionError: not within DEADLINE_S."""
        loop = asyncio.get_running_loop()
        end_s = loop.time() + DEADLINE_S
        while not is_so(told := await self.stats()):
            assert loop.time() < end_s, told
            await asyncio.sleep(0.2)
        return told


@pytest.fixture
async def scaling(quick_fleet: Fleet, anyio_backend: str) -> AsyncIterator[Scaling]:
    async with quick_fleet.client() as client:
        yield Scaling(client)
