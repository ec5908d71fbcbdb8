from fleetserve.replica.pool import ModelPool
from inference_svc.batch_table import batch_table
from inference_svc.prediction import Predictor
from inference_svc.served import Served
from tests.unit.inference_svc.test_prediction import ask


async def test_each_ready_model_shows_what_its_batches_were(
    predictor: Predictor, pool: ModelPool[Served]
) -> None:
    await predictor.predict(ask("lengths", ["aaaa", "bb"]))
    table = batch_table(pool)
    row = dict(zip(table.columns, table.rows[0], strict=True))
    assert row["model"] == "lengths"
    assert (row["batches"], row["inputs"], row["mean batch"]) == (1, 2, 2.0)
    assert row["padding"] == "25.0 %"


async def test_a_model_that_has_done_nothing_has_no_averages(
    pool: ModelPool[Served],
) -> None:
    await pool.get("lengths")
    row = batch_table(pool).rows[0]
    assert row[1:5] == (0, 0, 0.0, "0.0 %")
