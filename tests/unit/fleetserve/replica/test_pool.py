import asyncio
from collections.abc import AsyncIterator

import pytest

from fleetserve.clock import ManualClock
from fleetserve.errors import (
    ConflictError,
    DoesNotFitError,
    InternalError,
    ModelNotFoundError,
    NotFoundError,
    ShedError,
)
from fleetserve.replica.models import HandleState
from fleetserve.replica.pool import RETRY_FAILED_S, STAGED_S, ModelPool
from tests.unit.fleetserve.replica.loaders import DirectedLoader, stage


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(100.0)


@pytest.fixture
def loader() -> DirectedLoader:
    return DirectedLoader({"a": ("r1", 40), "b": ("r1", 40), "c": ("r1", 40)})


@pytest.fixture
async def pool(loader: DirectedLoader, clock: ManualClock) -> AsyncIterator[ModelPool[str]]:
    """Room for two of the three models."""
    pool: ModelPool[str] = ModelPool(loader, clock=clock, budget_bytes=100)
    yield pool
    loader.gate.set()
    await pool.close()


async def test_a_model_is_loaded_once_however_many_ask(
    pool: ModelPool[str], loader: DirectedLoader
) -> None:
    handles = await asyncio.gather(*(pool.get("a") for _ in range(20)))
    assert loader.loads == ["a@r1"]
    assert all(handle is handles[0] for handle in handles)
    assert pool.get_ready("a") is handles[0]
    assert loader.threads == {"loader_0"}


async def test_one_that_gives_up_waiting_does_not_stop_the_load(
    pool: ModelPool[str], loader: DirectedLoader
) -> None:
    loader.gate.clear()
    impatient = asyncio.create_task(pool.get("a"))
    patient = asyncio.create_task(pool.get("a"))
    await asyncio.sleep(0)
    impatient.cancel()
    await asyncio.gather(impatient, return_exceptions=True)
    assert pool.handles()[0].state is HandleState.LOADING
    loader.gate.set()
    assert (await patient).model == "a@r1"


async def test_an_unknown_model_says_how_to_get_one(pool: ModelPool[str]) -> None:
    with pytest.raises(ModelNotFoundError, match="/models/download"):
        await pool.get("nope")
    assert pool.handles() == []


async def test_a_failed_load_is_told_to_all_who_wait(
    pool: ModelPool[str], loader: DirectedLoader
) -> None:
    loader.failure = ValueError("the file is cut")
    results = await asyncio.gather(*(pool.get("a") for _ in range(3)), return_exceptions=True)
    assert all(isinstance(result, InternalError) for result in results)
    assert "the file is cut" in str(results[0])
    assert loader.loads == ["a@r1"]
    assert pool.handles()[0].state is HandleState.FAILED


async def test_a_failed_load_is_tried_again_later_but_not_at_once(
    pool: ModelPool[str], loader: DirectedLoader, clock: ManualClock
) -> None:
    loader.failure = ValueError("the file is cut")
    with pytest.raises(InternalError):
        await pool.get("a")
    loader.failure = None
    with pytest.raises(InternalError, match="the file is cut"):
        await pool.get("a")
    clock.move(RETRY_FAILED_S)
    assert (await pool.get("a")).state is HandleState.READY
    assert loader.loads == ["a@r1", "a@r1"]


async def test_the_least_recently_used_idle_model_makes_room(
    pool: ModelPool[str], loader: DirectedLoader, clock: ManualClock
) -> None:
    for name in "ab":
        clock.move(1.0)
        await pool.get(name)
    clock.move(1.0)
    with await pool.get("a"):
        pass
    await pool.get("c")
    assert loader.unloads == ["b@r1"]
    assert {handle.spec.name for handle in pool.handles()} == {"a", "c"}
    assert pool.used_bytes == 80


async def test_models_in_use_are_not_unloaded(pool: ModelPool[str], loader: DirectedLoader) -> None:
    with await pool.get("a"), await pool.get("b"):
        with pytest.raises(ShedError) as shed:
            await pool.get("c")
        assert shed.value.code == "no_room"
    assert loader.unloads == []
    assert (await pool.get("c")).state is HandleState.READY


async def test_a_model_larger_than_everything_does_not_fit(
    pool: ModelPool[str], loader: DirectedLoader
) -> None:
    loader.published["huge"] = ("r1", 101)
    with pytest.raises(DoesNotFitError, match="huge"):
        await pool.get("huge")
    assert loader.loads == []


async def test_pinned_models_stay(clock: ManualClock) -> None:
    loader = DirectedLoader({"a": ("r1", 60), "b": ("r1", 60)}, pinned=frozenset("a"))
    pool: ModelPool[str] = ModelPool(loader, clock=clock, budget_bytes=100)
    await pool.get("a")
    with pytest.raises(DoesNotFitError):
        await pool.get("b")
    await pool.close()


async def test_without_a_budget_what_is_measured_as_free_counts(clock: ManualClock) -> None:
    loader = DirectedLoader({"a": ("r1", 60), "b": ("r1", 60)}, free=100)
    pool: ModelPool[str] = ModelPool(loader, clock=clock)
    await pool.get("a")
    assert pool.room_bytes() == 40
    await pool.get("b")
    assert loader.unloads == ["a@r1"]
    await pool.close()


async def test_where_memory_is_not_known_nothing_is_refused(clock: ManualClock) -> None:
    loader = DirectedLoader({"a": ("r1", 1 << 50)})
    pool: ModelPool[str] = ModelPool(loader, clock=clock)
    await pool.get("a")
    assert pool.room_bytes() < 0
    await pool.close()


async def test_room_counts_what_is_being_loaded(
    pool: ModelPool[str], loader: DirectedLoader
) -> None:
    loader.gate.clear()
    task = asyncio.create_task(pool.get("a"))
    await asyncio.sleep(0)
    assert pool.room_bytes() == 60
    loader.gate.set()
    await task


async def test_put_loads_once_and_is_idempotent(
    pool: ModelPool[str], loader: DirectedLoader
) -> None:
    first = await pool.put("a", "r1")
    assert await pool.put("a", "r1") is first
    assert loader.loads == ["a@r1"]


async def test_put_of_a_revision_that_is_not_published_is_404(pool: ModelPool[str]) -> None:
    with pytest.raises(NotFoundError, match="r9"):
        await pool.put("a", "r9")


async def test_a_new_revision_takes_over_and_the_old_one_serves_its_last(
    pool: ModelPool[str], loader: DirectedLoader
) -> None:
    old = await pool.get("a")
    with old as model:
        loader.published["a"] = ("r2", 40)
        new = await pool.put("a", "r2")
        assert (new.model, model) == ("a@r2", "a@r1")
        assert pool.get_ready("a") is new
        assert old.state is HandleState.RETIRED
        assert loader.unloads == []
    await pool.close()
    assert loader.unloads[0] == "a@r1"


async def test_remove_unloads_and_is_idempotent(
    pool: ModelPool[str], loader: DirectedLoader
) -> None:
    await pool.get("a")
    assert await pool.remove("a", "r9") is None
    assert await pool.remove("a", "r1") is HandleState.GONE
    assert await pool.remove("a", "r1") is None
    assert loader.unloads == ["a@r1"]
    assert pool.get_ready("a") is None


async def test_remove_waits_for_nobody_who_holds_it(
    pool: ModelPool[str], loader: DirectedLoader
) -> None:
    with await pool.get("a"):
        assert await pool.remove("a") is HandleState.RETIRED
        assert await pool.remove("a") is HandleState.RETIRED
        assert pool.get_ready("a") is None
        assert loader.unloads == []


async def test_remove_of_a_model_that_loads_takes_it_away_afterwards(
    pool: ModelPool[str], loader: DirectedLoader
) -> None:
    loader.gate.clear()
    load = asyncio.create_task(pool.get("a"))
    await asyncio.sleep(0)
    removal = asyncio.create_task(pool.remove("a", "r1"))
    await asyncio.sleep(0)
    loader.gate.set()
    await load
    assert await removal is HandleState.GONE


async def test_a_withdrawn_manifest_retires_its_model(
    pool: ModelPool[str], loader: DirectedLoader
) -> None:
    await pool.get("a")
    del loader.published["a"]
    await pool.refresh()
    assert loader.unloads == ["a@r1"]
    with pytest.raises(ModelNotFoundError):
        await pool.get("a")


async def test_a_new_manifest_is_followed(pool: ModelPool[str], loader: DirectedLoader) -> None:
    await pool.get("a")
    loader.published["a"] = ("r2", 40)
    await pool.refresh()
    assert (await pool.put("a", "r2")).model == "a@r2"
    assert loader.loads == ["a@r1", "a@r2"]


async def test_a_new_revision_that_fails_leaves_the_old_one_serving(
    pool: ModelPool[str], loader: DirectedLoader
) -> None:
    await pool.get("a")
    loader.published["a"] = ("r2", 40)
    loader.failure = ValueError("cut")
    with pytest.raises(InternalError):
        await pool.put("a", "r2")
    assert (await pool.get("a")).model == "a@r1"
    await pool.refresh()
    await pool.refresh()
    assert loader.loads == ["a@r1", "a@r2"]


async def test_the_refresh_runs_by_the_clock(
    pool: ModelPool[str], loader: DirectedLoader, clock: ManualClock
) -> None:
    await pool.get("a")
    task = asyncio.create_task(pool.run())
    del loader.published["a"]
    await clock.advance(3.0)
    assert pool.get_ready("a") is None
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_prepare_gives_the_device(pool: ModelPool[str]) -> None:
    assert await pool.prepare() == "cpu"


async def test_what_would_serve_is_known_without_loading_it(
    pool: ModelPool[str], loader: DirectedLoader
) -> None:
    assert pool.find("a").revision == "r1"
    assert loader.loads == []
    await pool.get("a")
    loader.published["a"] = ("r2", 40)
    assert pool.find("a").revision == "r1"
    with pytest.raises(ModelNotFoundError):
        pool.find("nope")


async def test_a_staged_revision_serves_once_it_is_published_without_another_load(
    pool: ModelPool[str], loader: DirectedLoader
) -> None:
    old = await pool.get("a")
    loader.kept["a"] = ("r2",)
    await stage(pool, "a", "r2")
    assert pool.get_ready("a") is old
    with old:
        loader.published["a"] = ("r2", 40)
        await pool.refresh()
        assert (await pool.get("a")).model == "a@r2"
        assert old.state is HandleState.RETIRED
    assert loader.loads == ["a@r1", "a@r2"]


async def test_a_staged_revision_is_for_nobody_before_it_is_published(
    pool: ModelPool[str], loader: DirectedLoader
) -> None:
    loader.kept["a"] = ("r2",)
    await stage(pool, "a", "r2")
    assert (await pool.get("a")).model == "a@r1"
    loader.published["a"] = ("r2", 40)
    assert (await pool.put("a", "r2")).model == "a@r2"


async def test_a_revision_that_cannot_be_staged_says_why_and_the_old_one_serves(
    pool: ModelPool[str], loader: DirectedLoader
) -> None:
    await pool.get("a")
    loader.kept["a"] = ("r2",)
    loader.failure = ValueError("the weights are cut")
    with pytest.raises(InternalError, match="cut"):
        await stage(pool, "a", "r2")
    assert (await pool.get("a")).model == "a@r1"
    with pytest.raises(NotFoundError, match="r9"):
        pool.stage_soon("a", "r9")


async def test_staging_never_unloads_the_revision_that_serves(clock: ManualClock) -> None:
    loader = DirectedLoader({"a": ("r1", 60)}, kept={"a": ("r2",)})
    pool: ModelPool[str] = ModelPool(loader, clock=clock, budget_bytes=100)
    await pool.get("a")
    with pytest.raises(DoesNotFitError, match="beside what has to stay"):
        await stage(pool, "a", "r2")
    assert (await pool.get("a")).model == "a@r1"
    await pool.close()


async def test_what_is_leaving_makes_room_in_a_moment(clock: ManualClock) -> None:
    loader = DirectedLoader({"a": ("r1", 60)})
    pool: ModelPool[str] = ModelPool(loader, clock=clock, budget_bytes=100)
    with await pool.get("a"):
        assert await pool.remove("a") is HandleState.RETIRED
        assert pool.is_leaving("a", "r1")
        with pytest.raises(ShedError) as shed:
            await pool.get("a")
        assert shed.value.code == "no_room"
    assert (await pool.get("a")).model == "a@r1"
    assert not pool.is_leaving("a", "r1")
    await pool.close()


async def test_a_revision_staged_in_vain_is_unloaded(
    pool: ModelPool[str], loader: DirectedLoader, clock: ManualClock
) -> None:
    loader.kept["a"] = ("r2", "r3")
    await stage(pool, "a", "r2")
    await pool.remove("a", "r2")
    await stage(pool, "a", "r3")
    clock.move(STAGED_S)
    await pool.refresh()
    assert loader.unloads == ["a@r2", "a@r3"]


async def test_a_model_pinned_by_name_stays(
    pool: ModelPool[str], loader: DirectedLoader, clock: ManualClock
) -> None:
    pool.pinned = frozenset("a")
    for name in "abc":
        await pool.get(name)
        clock.move(1.0)
    assert loader.unloads == ["b@r1"]


async def test_removal_of_the_unused_spares_what_is_pinned_in_use_or_was_used(
    pool: ModelPool[str], clock: ManualClock
) -> None:
    handle = await pool.get("a")
    with handle:
        clock.move(20.0)
        with pytest.raises(ConflictError, match="used meanwhile"):
            await pool.remove("a", "r1", idle_s=10.0)
    with pytest.raises(ConflictError, match="used meanwhile"):
        await pool.remove("a", "r1", idle_s=10.0)
    clock.move(10.0)
    pool.pinned = frozenset("a")
    with pytest.raises(ConflictError, match="pinned"):
        await pool.remove("a", "r1", idle_s=10.0)
    pool.pinned = frozenset()
    assert await pool.remove("a", "r1", idle_s=10.0) is HandleState.GONE
