"""What clients see while containers die, and what comes back."""

import asyncio
import os
import signal
from typing import Self

import httpx
import pytest

from tests.e2e.compose_fleet import ComposeFleet

pytestmark = pytest.mark.docker

EXAMPLE = {"model_name": "example", "inputs": [1, 2, 3, 4, 5], "timeout": 60}
BACK_S = 60.0
PERIOD_S = 0.1


class Clients:
    """So many clients, each calling again as soon as it is answered, until the block ends."""

    def __init__(self, client: httpx.AsyncClient, number: int) -> None:
        self.statuses: list[int] = []
        self._client = client
        self._number = number
        self._answered = asyncio.Condition()
        self._over = False
        self._tasks: list[asyncio.Task[None]] = []

    async def more(self, number: int) -> None:
        """Returns after so many more answers."""
        wanted = len(self.statuses) + number
        async with asyncio.timeout(BACK_S), self._answered:
            await self._answered.wait_for(lambda: len(self.statuses) >= wanted)

    async def _call(self) -> None:
        while not self._over:
            answer = await self._client.post("/predict", json=EXAMPLE)
            async with self._answered:
                self.statuses.append(answer.status_code)
                self._answered.notify_all()

    async def __aenter__(self) -> Self:
        self._tasks = [asyncio.create_task(self._call()) for _ in range(self._number)]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._over = True
        await asyncio.gather(*self._tasks)


async def settle(client: httpx.AsyncClient) -> None:
    """Returns once the whole fleet is well again."""
    async with asyncio.timeout(BACK_S):
        # Asked for each time: nothing tells when another process is well.
        while await status_of(client) != "ok":  # noqa: ASYNC110
            await asyncio.sleep(PERIOD_S)


async def status_of(client: httpx.AsyncClient) -> str:
    """The fleet's, or that nobody answers for it."""
    try:
        told: str = (await client.get("/health")).json()["status"]
    except httpx.TransportError as exc:
        return repr(exc)
    return told


async def started_again(fleet: ComposeFleet, name: str, times: int) -> None:
    """Returns once the engine has restarted a container so often."""
    async with asyncio.timeout(BACK_S):
        while fleet.container(name)["RestartCount"] < times:  # noqa: ASYNC110 - as above
            await asyncio.sleep(PERIOD_S)


def send(pids: set[int], number: signal.Signals) -> None:
    for pid in pids:
        os.kill(pid, number)


def kill(fleet: ComposeFleet, name: str) -> None:
    """As a crash would: by the host, so that the engine's restart policy holds."""
    os.kill(fleet.container(name)["State"]["Pid"], signal.SIGKILL)


async def test_no_request_is_lost_when_the_only_replica_is_killed(
    fleet: ComposeFleet, client: httpx.AsyncClient
) -> None:
    before = fleet.container("inference-svc-1")["RestartCount"]
    async with Clients(client, 8) as answers:
        await answers.more(50)
        kill(fleet, "inference-svc-1")
        await answers.more(50)
    assert set(answers.statuses) == {200}
    assert fleet.container("inference-svc-1")["RestartCount"] == before + 1
    await settle(client)


@pytest.mark.parametrize(
    "service",
    [
        "gateway",
        "model-registry-svc",
        "model-registry-worker",
        "jobs-worker",
        "gpu-svc",
        "auth-svc",
    ],
)
async def test_what_is_killed_comes_back(
    fleet: ComposeFleet, client: httpx.AsyncClient, service: str
) -> None:
    before = fleet.container(f"{service}-1")["RestartCount"]
    kill(fleet, f"{service}-1")
    await started_again(fleet, f"{service}-1", before + 1)
    await settle(client)
    assert fleet.container(f"{service}-1")["RestartCount"] == before + 1


async def test_predictions_go_on_while_redis_restarts_and_it_forgets_nothing(
    fleet: ComposeFleet, client: httpx.AsyncClient
) -> None:
    models = (await client.get("/models")).json()["model_info"].keys()
    async with Clients(client, 2) as answers:
        await asyncio.to_thread(fleet.compose, "restart", "redis")
        await answers.more(20)
    assert set(answers.statuses) == {200}
    await settle(client)
    assert (await client.get("/models")).json()["model_info"].keys() == models


async def test_predictions_go_on_while_redis_hangs(
    fleet: ComposeFleet, client: httpx.AsyncClient
) -> None:
    hung = fleet.pids("redis-1")
    async with Clients(client, 2) as answers:
        send(hung, signal.SIGSTOP)
        try:
            await answers.more(100)
        finally:
            send(hung, signal.SIGCONT)
    assert set(answers.statuses) == {200}
    await settle(client)
