import httpx
import orjson
import pytest

from fleetserve.metrics.histogram import LatencyHistogram
from fleetserve.metrics.memory import MemoryMetricsStore
from fleetserve.metrics.rollup import ModelRollUp, RollUp
from gateway.api.answers import ServerConfigAnswer, ServerMetricsAnswer, TtsMetricsAnswer
from tests.unit.gateway.fleet import Fleet, announced, answering, failing

AUDIO = "audio-svc"


def performing(**figures: float) -> bytes:
    return orjson.dumps({"status": "ok", "performance": figures})


async def test_configuration_shows_what_replicas_compute_on(
    client: httpx.AsyncClient, fleet: Fleet
) -> None:
    fleet.add(answering(), announced("i1"))
    body = (await client.get("/server/config")).json()
    ServerConfigAnswer.model_validate(body)
    assert (body["devices"], body["capacity"]) == ({"i1": "cpu"}, {"i1": 512})
    assert body["server"]["max_file_mb"] == 100


async def test_server_metrics_are_measured(
    client: httpx.AsyncClient, store: MemoryMetricsStore, fleet: Fleet
) -> None:
    latency = LatencyHistogram()
    latency.record(0.2)
    model = ModelRollUp(1, 1, 0.2, latency.counts)
    await store.record(RollUp(999, "gateway", "g1", {"example": model}, {"memory_mb": 42.0}))
    with fleet.room.place("m", 0, ""):
        body = (await client.get("/metrics/server?window_seconds=10")).json()
    ServerMetricsAnswer.model_validate(body)
    assert (body["held"], body["memory_mb"], body["window_seconds"]) == (1, 42.0, 10)
    assert body["performance"]["latency_p50"] == pytest.approx(0.2, rel=0.1)


async def test_speech_metrics_add_up_the_replicas(client: httpx.AsyncClient, fleet: Fleet) -> None:
    first = performing(requests=2, audio_seconds=8.0, compute_seconds=2.0)
    second = performing(requests=1, audio_seconds=2.0, compute_seconds=3.0)
    fleet.add(answering(first), announced("a1", service=AUDIO))
    fleet.add(answering(second), announced("a2", service=AUDIO))
    fleet.add(failing(sent=False), announced("a3", service=AUDIO))
    body = (await client.get("/metrics/tts")).json()
    TtsMetricsAnswer.model_validate(body)
    assert (body["requests"], body["audio_seconds"], body["compute_seconds"]) == (3, 10.0, 5.0)
    assert body["real_time_factor"] == 0.5
    assert set(body["replicas"]) == {"a1", "a2"}
    assert body["warnings"] == ["a3 did not answer"]


async def test_speech_metrics_of_no_speech_make_nothing_up(client: httpx.AsyncClient) -> None:
    body = (await client.get("/metrics/tts")).json()
    assert body["real_time_factor"] is None
    assert body["replicas"] == {}
