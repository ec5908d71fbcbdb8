from fleetserve.clock import ManualClock
from fleetserve.replica.model_table import model_table
from fleetserve.replica.pool import ModelPool
from tests.unit.fleetserve.replica.loaders import DirectedLoader


async def test_each_model_has_a_row_with_its_state_and_users() -> None:
    clock = ManualClock(10.0)
    pool: ModelPool[str] = ModelPool(DirectedLoader({"a": ("r1", 1 << 20)}), clock=clock)
    with await pool.get("a"):
        table = model_table(pool, clock)
    clock.move(3.0)
    idle = model_table(pool, clock)
    await pool.close()
    assert table.rows == [("a", "r1", "tensor", "ready", 1.0, 0.0, 1, 0.0)]
    assert idle.rows[0][-2:] == (0, 3.0)
    assert len(table.columns) == len(table.rows[0])
