import asyncio

import httpx
import pytest

from autoscaler_svc.api.answers import (
    AutoscalerHealthAnswer,
    AutoscalerMetricsAnswer,
    AutoscalerStatsAnswer,
    ScaleAnswer,
    ScalingHistoryAnswer,
)
from tests.unit.autoscaler_svc.fleet_parts import AUDIO, INFERENCE, record
from tests.unit.autoscaler_svc.world import ME, World

SCALE = "/autoscaler/scale"


class TestStats:
    async def test_what_there_is_and_what_is_wanted(
        self, world: World, client: httpx.AsyncClient
    ) -> None:
        world.fleet.records["m"] = record("m")
        await world.tick(6, load={"example": (2.5, 0)})
        body = (await client.get("/autoscaler/stats")).json()
        AutoscalerStatsAnswer.model_validate(body)
        service = body["services"][INFERENCE]
        assert (service["desired_replicas"], service["ready_replicas"]) == (1, 1)
        assert service["load"] == 2.5
        assert [r["state"] for r in service["replicas"]] == ["ready"]
        assert (service["bounds"]["lower"], service["bounds"]["upper"]) == (1, 4)
        assert body["models"]["example"]["instances"] == 1
        assert body["models"]["m"]["instances"] == 0
        assert body["leader"] == {"replica_id": ME, "is_this": True}
        assert body["totals"]["ready_replicas"] == 2

    async def test_before_the_fleet_was_seen_there_is_nothing_to_tell(
        self, client: httpx.AsyncClient
    ) -> None:
        answer = await client.get("/autoscaler/stats")
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")

    async def test_what_was_asked_by_hand_is_shown(
        self, world: World, client: httpx.AsyncClient
    ) -> None:
        await world.settled()
        await client.post(SCALE, params={"model_name": "example", "target_instances": 2})
        await world.tick(5)
        body = (await client.get("/autoscaler/stats")).json()
        assert body["services"][INFERENCE]["asked_by_hand"] == 2
        assert body["models"]["example"]["asked_by_hand"] == 2
        assert body["last_decision"]["origin"] == "manual"


class TestHealth:
    async def test_all_parts_well_is_200(self, world: World, client: httpx.AsyncClient) -> None:
        await world.settled()
        answer = await client.get("/autoscaler/health")
        body = answer.json()
        AutoscalerHealthAnswer.model_validate(body)
        assert (answer.status_code, body["healthy"], body["state"]) == (200, True, "running")
        assert {"fleet", "engine", "leader", INFERENCE, AUDIO} == set(body["components"])
        assert body["asleep"] == []

    @pytest.mark.parametrize(
        ("part", "attribute"), [("fleet", "fleet"), ("engine", "orchestrator")]
    )
    async def test_part_that_is_away_is_503_and_named(
        self, world: World, client: httpx.AsyncClient, part: str, attribute: str
    ) -> None:
        await world.settled()
        getattr(world, attribute).away = "it is away"
        await world.tick(12)
        answer = await client.get("/autoscaler/health")
        body = answer.json()
        assert (answer.status_code, body["success"], body["state"]) == (503, False, "waiting")
        assert body["components"][part] == {"healthy": False, "detail": "it is away"}

    async def test_another_leads(self, world: World, client: httpx.AsyncClient) -> None:
        world.desk.owner, world.desk.until_s = "another", 1e12
        await world.settled()
        body = (await client.get("/autoscaler/health")).json()
        assert (body["healthy"], body["state"]) == (True, "watching")
        assert body["components"]["leader"]["detail"] == "another leads"

    async def test_service_at_zero_on_purpose_is_asleep(
        self, world: World, client: httpx.AsyncClient
    ) -> None:
        await world.settled()
        await client.post(SCALE, json={"action": "zero_scale", "service": AUDIO})
        await world.tick(5)
        body = (await client.get("/autoscaler/health")).json()
        assert (body["healthy"], body["asleep"]) == (True, [AUDIO])


class TestScale:
    async def test_order_is_accepted_with_its_steps(
        self, world: World, client: httpx.AsyncClient
    ) -> None:
        await world.settled()
        answer = await client.post(SCALE, params={"model_name": "example", "target_instances": 3})
        body = answer.json()
        ScaleAnswer.model_validate(body)
        assert (answer.status_code, body["status"]) == (202, "accepted")
        assert (body["previous_scale"], body["target_scale"]) == (1, 3)
        assert body["limited_by"] is None
        assert body["steps"] == [
            {
                "action": "start_replica",
                "service": INFERENCE,
                "count": 2,
                "model": None,
                "detail": "",
            }
        ]
        await world.tick(5)
        assert await world.running() == 3

    async def test_waiting_answers_200_when_it_is_so(
        self, world: World, client: httpx.AsyncClient
    ) -> None:
        await world.settled()
        body = {"model_name": "example", "target_instances": 2, "wait": True}
        asking = asyncio.create_task(client.post(SCALE, json=body))
        answer = await world.wait_for(asking)
        assert isinstance(answer, httpx.Response)
        assert (answer.status_code, answer.json()["status"]) == (200, "completed")
        assert await world.running() == 2

    async def test_body_wins_over_the_query(self, world: World, client: httpx.AsyncClient) -> None:
        await world.settled()
        answer = await client.post(
            SCALE,
            params={"model_name": "example", "target_instances": 5},
            json={"target_instances": 2},
        )
        assert answer.json()["target_scale"] == 2

    async def test_what_limits_is_named(self, world: World, client: httpx.AsyncClient) -> None:
        world.room(free_mb=512.0 + 700.0)
        await world.settled()
        body = (
            await client.post(SCALE, json={"model_name": "example", "target_instances": 9})
        ).json()
        assert (body["requested_scale"], body["target_scale"]) == (9, 2)
        assert body["limited_by"] == "memory"

    async def test_action_on_several_models_adds_up(
        self, world: World, client: httpx.AsyncClient
    ) -> None:
        world.fleet.records["m"] = record("m")
        await world.settled()
        body = (
            await client.post(SCALE, json={"action": "load_model", "models": ["m", "example"]})
        ).json()
        assert body["model_name"] is None
        assert [t["name"] for t in body["targets"]] == ["m", "example"]
        assert body["target_scale"] == 2

    @pytest.mark.parametrize(
        ("body", "status", "field"),
        [
            ({"model_name": "example", "target_instances": 11}, 422, "target_instances"),
            ({"model_name": "example"}, 422, "target_instances"),
            ({}, 422, "model_name"),
            ({"action": "load_model"}, 422, "models"),
            ({"action": "explode"}, 422, "action"),
            ({"unknown": 1}, 422, "unknown"),
            ({"model_name": "nobody", "target_instances": 1}, 404, None),
            ({"action": "unload_model", "models": ["example"]}, 409, None),
        ],
    )
    async def test_wrong_order_is_refused(
        self,
        world: World,
        client: httpx.AsyncClient,
        body: dict[str, object],
        status: int,
        field: str | None,
    ) -> None:
        await world.settled()
        answer = await client.post(SCALE, json=body)
        assert (answer.status_code, answer.json().get("field")) == (status, field)
        assert await world.intents.floors() == {}

    async def test_wrong_query_is_refused(self, world: World, client: httpx.AsyncClient) -> None:
        await world.settled()
        answer = await client.post(SCALE, params={"model_name": "example", "target_instances": 99})
        assert (answer.status_code, answer.json()["field"]) == (422, "target_instances")

    async def test_nothing_is_promised_while_nothing_can_be_done(
        self, client: httpx.AsyncClient
    ) -> None:
        answer = await client.post(SCALE, json={"model_name": "example", "target_instances": 1})
        assert answer.status_code == 503
        assert "Retry-After" in answer.headers


async def test_history_is_the_newest_first_and_can_be_narrowed(
    world: World, client: httpx.AsyncClient
) -> None:
    await world.settled()
    for number in (2, 3):
        await client.post(SCALE, params={"model_name": "example", "target_instances": number})
        await world.tick(5)
    await client.post(SCALE, json={"service": AUDIO, "target_replicas": 2})
    await world.tick(5)
    body = (await client.get("/autoscaler/history")).json()
    ScalingHistoryAnswer.model_validate(body)
    assert [(d["service"], d["target"]) for d in body["history"]] == [
        (AUDIO, 2),
        (INFERENCE, 3),
        (INFERENCE, 2),
    ]
    narrowed = (
        await client.get("/autoscaler/history", params={"service": INFERENCE, "limit": 1})
    ).json()
    assert (narrowed["total"], [d["target"] for d in narrowed["history"]]) == (2, [3])


async def test_metrics_are_those_of_the_window(world: World, client: httpx.AsyncClient) -> None:
    await world.tick(20, load={"example": (2.0, 0)})
    await client.post(SCALE, params={"model_name": "example", "target_instances": 2})
    await world.tick(5, load={"example": (4.0, 1)})
    body = (await client.get("/autoscaler/metrics", params={"window_seconds": 4})).json()
    AutoscalerMetricsAnswer.model_validate(body)
    series = body["time_series"][INFERENCE]
    assert series["load"] == [4.0] * 4
    assert series["ready_replicas"][-1] == 2
    assert body["gauges"]["inference_load"] == 4.0
    assert body["counters"]["scale_up"] == 1
    assert body["scaling_events"] == []
    longer = (await client.get("/autoscaler/metrics", params={"window_seconds": 60})).json()
    assert [e["target"] for e in longer["scaling_events"]] == [2]
    assert longer["counters"]["cold_starts"] == len(longer["cold_starts"])


@pytest.mark.parametrize("seconds", [0, 901])
async def test_window_has_bounds(client: httpx.AsyncClient, seconds: int) -> None:
    answer = await client.get("/autoscaler/metrics", params={"window_seconds": seconds})
    assert answer.status_code == 422
