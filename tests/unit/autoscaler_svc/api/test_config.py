import httpx
import pytest

from autoscaler_svc.api.answers import AutoscalerConfigAnswer
from fleetserve.config import AutoscalerConfig
from tests.unit.autoscaler_svc.world import World

PATH = "/autoscaler/config"


async def test_settings_that_hold_are_told_with_their_source(client: httpx.AsyncClient) -> None:
    body = (await client.get(PATH)).json()
    AutoscalerConfigAnswer.model_validate(body)
    assert body["config"] == AutoscalerConfig().model_dump()
    assert set(body["sources"].values()) == {"default"}


async def test_changed_settings_hold_at_once(world: World, client: httpx.AsyncClient) -> None:
    await world.settled()
    body = (await client.put(PATH, json={"min_replicas": 2, "max_replicas": 5})).json()
    assert (body["config"]["min_replicas"], body["config"]["max_replicas"]) == (2, 5)
    assert body["changed"] == ["max_replicas", "min_replicas"]
    assert body["sources"]["min_replicas"] == "api"
    await world.tick(5)
    assert await world.running() == 2
    assert (await client.get(PATH)).json()["config"]["max_replicas"] == 5


async def test_null_makes_the_files_value_hold_again(client: httpx.AsyncClient) -> None:
    await client.put(PATH, json={"min_replicas": 2, "interval_s": 0.5})
    body = (await client.put(PATH, json={"min_replicas": None})).json()
    assert body["config"]["min_replicas"] == 1
    assert body["sources"]["min_replicas"] == "default"
    assert body["config"]["interval_s"] == 0.5


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"max_replicas": -1}, "max_replicas"),
        ({"no_such": 1}, "no_such"),
        ({"max_replicas": "many"}, "max_replicas"),
        ({"min_replicas": 3, "max_replicas": 2}, "min_replicas"),
        ({"max_replicas": 3, "target_in_flight": 0}, "target_in_flight"),
    ],
)
async def test_wrong_value_changes_nothing(
    world: World, client: httpx.AsyncClient, body: dict[str, object], field: str
) -> None:
    answer = await client.put(PATH, json=body)
    assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert await world.intents.overrides() == {}


async def test_change_stands_in_the_history(world: World, client: httpx.AsyncClient) -> None:
    await client.put(PATH, json={"max_replicas": 5})
    await client.put(PATH, json={"max_replicas": 5})
    entries = await world.services.chronicle.read(10)
    assert [e.reason for e in entries] == ["max_replicas 0 → 5"]


async def test_while_redis_is_away_settings_can_be_neither_read_nor_changed(
    world: World, client: httpx.AsyncClient
) -> None:
    world.intents.away = "Redis is away"
    assert (await client.get(PATH)).status_code == 503
    assert (await client.put(PATH, json={"max_replicas": 5})).status_code == 503
