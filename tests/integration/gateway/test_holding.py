"""Requests for a model that is on its way wait for it, within bounds."""

import asyncio

import httpx
import pytest

from fleetserve.model_records import ModelRecord, ModelState
from tests.integration.gateway.processes import GatewayFleet, until

HELD = 8


def record(name: str, state: ModelState, progress: float = 0.0, message: str = "") -> ModelRecord:
    return ModelRecord(name, "feature-extraction", state, progress=progress, message=message)


async def post(client: httpx.AsyncClient, name: str, timeout: float = 30.0) -> httpx.Response:
    return await client.post(
        "/predict", json={"model_name": name, "inputs": "text", "timeout": timeout}
    )


async def known(client: httpx.AsyncClient, name: str) -> None:
    """Until the gateway has heard of the model."""

    async def found() -> bool:
        return (await post(client, name, timeout=0.01)).status_code != 404

    await until(found)


async def held(client: httpx.AsyncClient, count: int) -> None:
    """Until so many requests wait in the gateway."""

    async def waiting() -> bool:
        stats = (await client.get("/health")).json()["engine_stats"]
        size: int = stats["queue_size"]
        return size == count

    await until(waiting)


async def test_request_waits_for_its_download_and_is_served_when_it_is_ready(
    client: httpx.AsyncClient, shared: GatewayFleet
) -> None:
    shared.record(record("m1", ModelState.DOWNLOADING, 0.1))
    await known(client, "m1")
    asking = asyncio.ensure_future(post(client, "m1"))
    await held(client, 1)
    shared.record(record("m1", ModelState.DOWNLOADING, 0.9))
    assert (await client.post("/predict", json={"model_name": "example", "inputs": 1})).is_success
    assert not asking.done()
    shared.record(record("m1", ModelState.READY))
    answer = await asking
    assert answer.status_code == 200
    assert answer.json()["headers"]["x-fleet-model"] == "m1"
    await held(client, 0)


async def test_request_whose_time_is_over_first_is_told_the_phase(
    client: httpx.AsyncClient, shared: GatewayFleet
) -> None:
    shared.record(record("m2", ModelState.DOWNLOADING, 0.25))
    await known(client, "m2")
    answer = await post(client, "m2", timeout=0.2)
    assert answer.status_code == 503
    assert "downloading 25%" in answer.json()["detail"]
    assert (answer.json()["phase"], answer.json()["progress"]) == ("downloading", 0.25)
    assert int(answer.headers["retry-after"]) > 0


async def test_download_that_fails_ends_the_wait_with_the_reason(
    client: httpx.AsyncClient, shared: GatewayFleet
) -> None:
    shared.record(record("m3", ModelState.DOWNLOADING))
    await known(client, "m3")
    asking = asyncio.ensure_future(post(client, "m3"))
    await held(client, 1)
    shared.record(record("m3", ModelState.FAILED, message="No room on the disk."))
    answer = await asking
    assert answer.status_code == 404
    assert "No room on the disk." in answer.json()["detail"]


async def test_full_room_is_a_503_with_retry_after_and_the_phase(
    client: httpx.AsyncClient, shared: GatewayFleet
) -> None:
    shared.record(record("m4", ModelState.DOWNLOADING, 0.4))
    await known(client, "m4")
    asking = [asyncio.ensure_future(post(client, "m4")) for _ in range(HELD)]
    await held(client, HELD)
    answer = await post(client, "m4")
    assert answer.status_code == 503
    assert answer.json()["code"] == "waiting_room_full"
    assert "downloading 40%" in answer.json()["detail"]
    assert int(answer.headers["retry-after"]) > 0
    assert (await client.post("/predict", json={"model_name": "example", "inputs": 1})).is_success
    shared.record(record("m4", ModelState.READY))
    assert {a.status_code for a in await asyncio.gather(*asking)} == {200}


async def test_client_that_leaves_gives_its_place_back(
    client: httpx.AsyncClient, shared: GatewayFleet
) -> None:
    shared.record(record("m5", ModelState.DOWNLOADING))
    await known(client, "m5")
    with pytest.raises(httpx.ReadTimeout):
        await client.post("/predict", json={"model_name": "m5", "inputs": "x"}, timeout=0.3)
    await held(client, 0)
