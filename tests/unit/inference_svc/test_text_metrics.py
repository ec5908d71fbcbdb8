from prometheus_client import CollectorRegistry, generate_latest

from fleetserve.replica.pool import ModelPool
from inference_svc.served import Served
from inference_svc.text_metrics import TextMetrics, text_table
from tests.unit.inference_svc.serving import IDLE


async def test_models_that_write_are_shown_and_the_others_are_not(
    pool: ModelPool[Served],
) -> None:
    assert text_table(pool).rows == []
    await pool.get("lengths")
    await pool.get("echo")
    IDLE.written.tokens, IDLE.written.compute_s = 30, 2.0
    IDLE.written.rows, IDLE.written.steps = 12, 6
    IDLE.written.first_token.record(0.25)
    (row,) = text_table(pool).rows
    assert row[:7] == ("echo", 0, 0, 30, 15.0, 0, 2.0)
    registry = CollectorRegistry()
    registry.register(TextMetrics(pool))
    page = generate_latest(registry).decode()
    assert 'fleetserve_generated_tokens_total{model="echo"} 30.0' in page
    assert 'fleetserve_first_token_seconds_bucket{le="0.5",model="echo"} 1.0' in page
    assert "lengths" not in page
