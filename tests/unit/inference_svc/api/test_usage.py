import asyncio
from typing import Any

import pytest

from fleetserve.clock import SystemClock
from fleetserve.replica.pool import ModelPool
from inference_svc.api.usage import usages
from inference_svc.prediction import Ask, Predictor
from inference_svc.served import Served

CLOCK = SystemClock()


def ask(inputs: Any, model: str = "lengths") -> Ask:
    begin_s = CLOCK.monotonic_s()
    return Ask(model, inputs, {}, 0, True, 100, begin_s, begin_s + 30.0)


async def test_requests_and_batches_are_counted(
    predictor: Predictor, pool: ModelPool[Served]
) -> None:
    before_s = CLOCK.now_s()
    await predictor.predict(ask("a"))
    await predictor.predict(ask(["a", "bb", "ccc"]))
    (found,) = usages(pool, "lengths")
    usage = found.usage
    assert (found.name, found.revision, usage.inputs) == ("lengths", "r1", 4)
    counts = [s.count for s in (usage.success, usage.prepare, usage.queue, usage.compute)]
    assert counts == [2, 2, 2, 2]
    assert sum(size * spent.count for size, spent in usage.batches.items()) == 4
    assert usage.batches[1].count >= 1
    parts = usage.prepare.seconds + usage.queue.seconds + usage.compute.seconds
    assert 0 < parts <= usage.success.seconds
    assert before_s <= usage.last_s <= CLOCK.now_s()
    assert usage.fail.count == 0


@pytest.mark.parametrize("inputs", ["poison", 7])
async def test_failures_are_counted_by_themselves(
    predictor: Predictor, pool: ModelPool[Served], inputs: Any
) -> None:
    with pytest.raises(Exception, match=r"failed|takes"):
        await predictor.predict(ask(inputs))
    (found,) = usages(pool, "lengths")
    assert (found.usage.success.count, found.usage.fail.count) == (0, 1)
    assert found.usage.inputs == 0


async def test_a_client_that_leaves_is_a_failure(
    predictor: Predictor, pool: ModelPool[Served]
) -> None:
    await pool.get("lengths")
    asking = asyncio.create_task(predictor.predict(ask("a")))
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert usages(pool, "lengths")[0].usage.fail.count == 1


async def test_only_what_serves_is_told(pool: ModelPool[Served]) -> None:
    assert usages(pool) == []
    await pool.get("example")
    await pool.get("lengths")
    assert {one.name for one in usages(pool)} == {"example", "lengths"}
    assert [one.name for one in usages(pool, "example")] == ["example"]
    assert all(one.memory["cpu"] > 0 for one in usages(pool))
