import asyncio

import httpx

from tests.unit.autoscaler_svc.fleet_parts import record
from tests.unit.autoscaler_svc.world import World


async def test_number_that_was_asked_for_is_forgotten_and_repeats_to_the_same(
    world: World, client: httpx.AsyncClient
) -> None:
    world.fleet.records["m"] = record("m")
    await world.settled()
    await client.post("/autoscaler/scale", json={"model_name": "m", "target_instances": 1})
    forgetting = asyncio.create_task(client.delete("/internal/floors/m"))
    await world.wait_for(forgetting)
    assert forgetting.result().json() == {"success": True}
    assert await world.intents.floors() == {}
    assert (await client.delete("/internal/floors/m")).status_code == 200
