import httpx
import pytest

from fleetserve.metrics.histogram import LatencyHistogram
from fleetserve.metrics.memory import MemoryMetricsStore
from fleetserve.metrics.rollup import ModelRollUp, RollUp
from gateway.api.answers import Greeting, HealthAnswer, InfoAnswer, StatsAnswer
from gateway.directory.memory import MemoryDirectory
from gateway.replica_table import STALE_S
from tests.unit.gateway.fleet import Fleet, announced, answering

NOW_S = 1000


def rolled_up(*seconds: float, errors: int = 0) -> RollUp:
    latency = LatencyHistogram()
    for value in seconds:
        latency.record(value)
    model = ModelRollUp(latency.total, errors, latency.total_s, latency.counts)
    return RollUp(NOW_S - 1, "gateway", "g1", {"example": model}, {"memory_mb": 42.0})


async def test_greeting_leads_on_by_the_callers_address(client: httpx.AsyncClient) -> None:
    answer = await client.get("/", headers={"host": "fleet.example:9000"})
    Greeting.model_validate(answer.json())
    assert answer.json()["links"]["docs"] == "http://fleet.example:9000/docs"
    assert any("/predict" in line for line in answer.json()["quick_start"])


class TestHealth:
    async def test_fleet_that_can_serve_is_200(
        self, client: httpx.AsyncClient, fleet: Fleet
    ) -> None:
        fleet.add(answering(), announced("i1"))
        answer = await client.get("/health")
        body = answer.json()
        HealthAnswer.model_validate(body)
        assert (answer.status_code, body["success"], body["healthy"]) == (200, True, True)
        assert body["status"] == "degraded"
        assert body["checks"]["inference-svc"] == {
            "healthy": True,
            "latency_ms": 0.0,
            "detail": "1 of 1 ready",
        }
        assert not body["checks"]["audio-svc"]["healthy"]

    async def test_fleet_that_cannot_serve_is_503(self, client: httpx.AsyncClient) -> None:
        answer = await client.get("/health")
        HealthAnswer.model_validate(answer.json())
        assert answer.status_code == 503
        assert (answer.json()["success"], answer.json()["status"]) == (False, "down")

    async def test_redis_that_is_away_is_named(
        self, client: httpx.AsyncClient, fleet: Fleet, directory: MemoryDirectory
    ) -> None:
        fleet.add(answering(), announced("i1"))
        directory.lose("Redis is connected but silent")
        answer = await client.get("/health")
        assert answer.status_code == 200
        assert "silent" in answer.json()["checks"]["redis"]["detail"]

    async def test_engine_stats_are_this_gateways(
        self, client: httpx.AsyncClient, fleet: Fleet
    ) -> None:
        fleet.runtime.metrics.record("/predict", 200, 0.25, "example")
        fleet.runtime.metrics.roll_up(NOW_S)
        with fleet.room.place("m", 0, ""):
            stats = (await client.get("/health")).json()["engine_stats"]
        assert stats == {
            "requests_processed": 1,
            "avg_processing_time": 0.25,
            "active_requests": 0,
            "queue_size": 1,
        }

    async def test_autoscaler_tells_of_itself(
        self, client: httpx.AsyncClient, fleet: Fleet
    ) -> None:
        before = (await client.get("/health")).json()["autoscaler"]
        told = b'{"healthy":true,"state":"running","components":{"engine":{"healthy":true}}}'
        fleet.add(answering(told), announced("s1", service="autoscaler-svc"))
        after = (await client.get("/health")).json()["autoscaler"]
        assert before == {"healthy": False, "state": "not running", "components": {}}
        assert after == {
            "healthy": True,
            "state": "running",
            "components": {"engine": {"healthy": True}},
        }


class TestInfo:
    async def test_every_process_is_listed(self, client: httpx.AsyncClient, fleet: Fleet) -> None:
        fleet.add(answering(), announced("i1"))
        fleet.clock.move(STALE_S)
        fleet.add(answering(), announced("a1", service="audio-svc", models=("voice",)))
        fleet.add(answering(), announced("r1", service="model-registry-svc", models=()))
        body = (await client.get("/info")).json()
        InfoAnswer.model_validate(body)
        assert {r["id"]: r["state"] for r in body["replicas"]} == {"i1": "lost", "a1": "ready"}
        assert {s["name"]: (s["processes"], s["ready"]) for s in body["services"]} == {
            "audio-svc": (1, 1),
            "inference-svc": (1, 0),
            "model-registry-svc": (1, 1),
        }
        assert body["tts_service"] == {"available": True, "replicas": 1, "models": ["voice"]}
        assert body["server_config"]["max_file_mb"] == 100


class TestStats:
    async def test_figures_are_measured(
        self, client: httpx.AsyncClient, store: MemoryMetricsStore
    ) -> None:
        await store.record(rolled_up(0.1, 0.1, 0.1, 0.4, errors=1))
        body = (await client.get("/stats?window_seconds=10")).json()
        StatsAnswer.model_validate(body)
        assert body["window_seconds"] == 10
        assert body["stats"]["memory_usage_mb"] == 42.0
        report = body["performance_report"]
        assert report["throughput_fps"] == 0.4
        assert report["latency_p50"] == pytest.approx(0.1, rel=0.1)
        assert report["latency_p99"] == pytest.approx(0.4, rel=0.1)
        assert report["device_utilization"] is None
        assert body["per_model"]["example"]["requests"] == 4
        assert body["per_model"]["example"]["errors"] == 1
        assert body["warnings"] == []

    @pytest.mark.parametrize("window", ["0", "901", "soon"])
    async def test_window_out_of_bounds_is_named(
        self, client: httpx.AsyncClient, window: str
    ) -> None:
        answer = await client.get(f"/stats?window_seconds={window}")
        assert answer.status_code == 422
        assert answer.json()["field"] == "window_seconds"
