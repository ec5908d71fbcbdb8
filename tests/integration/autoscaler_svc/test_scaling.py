"""Replicas of a running fleet, by load and by hand, and what is lost when something is killed."""

import asyncio
import os
import signal

import pytest

from benchmarks.load import EXAMPLE_BODY
from tests.integration.autoscaler_svc.conftest import INFERENCE, Scaling
from tests.integration.fleet import Fleet
from tests.integration.load import loaded

MINILM = "sentence-transformers/all-MiniLM-L6-v2"


async def test_load_grows_replicas_and_they_shrink_after_without_a_failure(
    quick_fleet: Fleet, scaling: Scaling
) -> None:
    assert len(await scaling.replicas()) == 1
    async with loaded(f"{quick_fleet.url}/predict", EXAMPLE_BODY, 32) as busy:
        grown = await scaling.until(lambda t: t["services"][INFERENCE]["ready_replicas"] > 1)
    assert grown["last_decision"]["kind"] == "scale_up"
    async with loaded(f"{quick_fleet.url}/predict", EXAMPLE_BODY, 1) as calm:
        told = await scaling.until(lambda t: t["services"][INFERENCE]["current_replicas"] == 1)
    assert told["last_decision"]["kind"] == "scale_down"
    for tally in (busy.result(), calm.result()):
        assert tally.latencies_s
        assert tally.failures == {}


async def test_killed_autoscaler_leaves_the_replicas_and_adopts_them(
    quick_fleet: Fleet, scaling: Scaling
) -> None:
    await scaling.scale(2)
    before = await scaling.replicas()
    (pid,) = quick_fleet.replica_pids("autoscaler-svc")
    os.kill(pid, signal.SIGKILL)
    history = await scaling.client.get("/autoscaler/history")
    assert history.status_code == 200
    await scaling.until(lambda t: t["counters"]["adopt"] == 1)
    assert await scaling.replicas() == before
    await scaling.scale(1)
    left = await scaling.replicas()
    assert list(left.items()) == [next(iter(before.items()))]
    assert len(quick_fleet.replica_pids(INFERENCE)) == 1


async def test_killed_replicas_cost_no_request(quick_fleet: Fleet, scaling: Scaling) -> None:
    await scaling.scale(3)
    async with loaded(f"{quick_fleet.url}/predict", EXAMPLE_BODY, 16) as busy:
        for _ in range(2):
            victims = quick_fleet.replica_pids(INFERENCE)
            os.kill(victims[-1], signal.SIGKILL)
            await asyncio.sleep(4)
    tally = busy.result()
    assert tally.failures == {}
    assert len(tally.latencies_s) > 100
    await scaling.until(lambda t: t["services"][INFERENCE]["ready_replicas"] == 3)
    await scaling.scale(1)


async def test_none_are_there_until_a_request_comes(quick_fleet: Fleet, scaling: Scaling) -> None:
    await scaling.scale(0)
    assert quick_fleet.replica_pids(INFERENCE) == []
    health = (await scaling.client.get("/health")).json()
    assert (health["status"], health["autoscaler"]["state"]) == ("ok", "running")
    assert "next request" in health["checks"][INFERENCE]["detail"]
    body = {"model_name": "example", "inputs": [1, 2, 3]}
    answer = await scaling.client.post("/predict", json=body)
    assert answer.status_code == 200, answer.text
    assert len(quick_fleet.replica_pids(INFERENCE)) == 1


async def test_model_is_placed_lost_placed_again_and_unloaded(
    quick_fleet: Fleet, scaling: Scaling
) -> None:
    wanted = {"source": "huggingface", "model_id": MINILM, "name": "minilm", "wait": True}
    answer = await scaling.client.post("/models/download", json={**wanted, "load": False})
    assert answer.is_success, answer.text
    told = await scaling.scale(2, "minilm")
    assert told["target_scale"] == 2
    models = (await scaling.stats())["models"]
    assert models["minilm"]["instances"] == 2
    for pid in quick_fleet.replica_pids(INFERENCE):
        os.kill(pid, signal.SIGKILL)
    await scaling.until(lambda t: t["models"]["minilm"]["instances"] == 0)
    await scaling.until(lambda t: t["models"]["minilm"]["instances"] == 2)
    await scaling.scale(0, "minilm")
    assert (await scaling.stats())["models"]["minilm"]["instances"] == 0
    await scaling.until(lambda t: t["services"][INFERENCE]["current_replicas"] == 1)


@pytest.mark.parametrize("path", ["stats", "health", "metrics", "history", "config"])
async def test_routes_answer_through_the_gateway(scaling: Scaling, path: str) -> None:
    answer = await scaling.client.get(f"/autoscaler/{path}")
    assert (answer.status_code, answer.json()["success"]) == (200, True)


async def test_changed_settings_outlive_the_autoscaler(
    quick_fleet: Fleet, scaling: Scaling
) -> None:
    answer = await scaling.client.put("/autoscaler/config", json={"max_replicas": 2})
    assert answer.json()["changed"] == ["max_replicas"]
    (pid,) = quick_fleet.replica_pids("autoscaler-svc")
    os.kill(pid, signal.SIGKILL)
    told = (await scaling.client.get("/autoscaler/config")).json()
    assert (told["config"]["max_replicas"], told["sources"]["max_replicas"]) == (2, "api")
    await scaling.until(lambda t: t["state"] == "running")
    body = {"model_name": "example", "target_instances": 9}
    limited = (await scaling.client.post("/autoscaler/scale", json=body)).json()
    assert (limited["target_scale"], limited["limited_by"]) == (2, "max_replicas")
    await scaling.client.put("/autoscaler/config", json={"max_replicas": None})
    await scaling.scale(1)
