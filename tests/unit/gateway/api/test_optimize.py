from collections.abc import Callable
from typing import Any

import httpx
import orjson
import pytest

from fleetserve.announcements import ReplicaState
from fleetserve.model_records import ModelState
from gateway.api.optimize_schemas import OptimizationAnswer, OptimizeAnswer, UndoneAnswer
from gateway.upstream.memory import Behaviour, MemoryAnswer, SentRequest
from tests.unit.gateway.fleet import Fleet, announced, answering, recorded

REGISTRY = "model-registry-svc"
ROWS = [
    {"candidate": "float32", "ms": 8.0, "speedup": 1.0, "max_error": 0.0, "within_tolerance": True},
    {"candidate": "bf16", "ms": 4.0, "speedup": 2.0, "max_error": 0.1, "chosen": True},
    {"candidate": "tensorrt", "unavailable": "TensorRT runs on NVIDIA GPUs only"},
]


def run(state: str, **fields: Any) -> dict[str, Any]:
    return {
        "success": True,
        "name": "m",
        "revision": "r",
        "state": state,
        "step": "bf16 is measured",
        "samples": 256,
        "hardware": "cpu/x",
        "speedup": 2.0,
        "applied": ["bf16"] if state == "done" else [],
        "measurements": ROWS,
        "memory_freed_bytes": 21_000_000 if state == "done" else 0,
        "skipped": "",
        "error": "",
        "code": "",
        **fields,
    }


def replying(reply: Callable[[SentRequest], tuple[int, object]]) -> Behaviour:
    async def behave(request: SentRequest) -> MemoryAnswer:
        status, content = reply(request)
        return MemoryAnswer(status, [], orjson.dumps(content))

    return behave


def measuring(*states: dict[str, Any]) -> Behaviour:
    """A replica that says these one after the other, the last one for ever."""
    left = list(states)

    def reply(request: SentRequest) -> tuple[int, object]:
        if "/internal/optimize/" not in request.target or request.method == "DELETE":
            return 200, {"success": True}
        told = left.pop(0) if len(left) > 1 else left[0]
        return (200 if told["state"] in ("done", "failed") else 202), told

    return replying(reply)


@pytest.fixture
def known(fleet: Fleet) -> None:
    fleet.models.put(recorded("m"))


async def test_one_replica_measures_and_all_of_them_follow(
    client: httpx.AsyncClient, fleet: Fleet, known: None
) -> None:
    fleet.add(measuring(run("waiting"), run("done")), announced("i1", models=["m"]))
    fleet.add(measuring(run("done")), announced("i2", models=["m"], in_flight=3))
    answer = await client.post("/server/optimize", json={"model_name": "m", "candidates": ["bf16"]})
    body = answer.json()
    OptimizeAnswer.model_validate(body)
    assert answer.status_code == 200
    assert (body["status"], body["models_optimized"]) == ("done", 1)
    assert body["optimizations_applied"] == ["m: bf16"]
    assert body["memory_freed_mb"] == 21.0
    assert [row["candidate"] for row in body["measurements"]] == ["float32", "bf16", "tensorrt"]
    assert body["models"]["m"]["replicas"] == ["i1", "i2"]
    sent = [(r.address, r.method, r.target.partition("?")[0]) for r in fleet.upstream.sent]
    assert sent[0] == ("http://i1", "POST", "/internal/optimize/m@")
    assert {s for s in sent if s[1] == "PUT"} == {
        ("http://i1", "PUT", "/internal/models/m@"),
        ("http://i2", "PUT", "/internal/models/m@"),
    }
    assert orjson.loads(fleet.upstream.sent[0].body) == {
        "candidates": ["bf16"],
        "tolerance": {
            "min_cosine": 0.999,
            "min_overlap": 0.99,
            "min_same": 0.995,
            "max_probability_error": 0.01,
        },
    }


async def test_who_does_not_wait_is_told_where_to_look(
    client: httpx.AsyncClient, fleet: Fleet, known: None
) -> None:
    fleet.add(measuring(run("measuring")), announced("i1", models=["m"]))
    answer = await client.post("/server/optimize", json={"model_name": "m", "wait": False})
    assert (answer.status_code, answer.headers["location"]) == (202, "/server/optimize/m")
    assert answer.json()["models"]["m"]["step"] == "bf16 is measured"
    assert (await client.get("/server/optimize/m")).json()["status"] == "measuring"


async def test_without_a_name_every_loaded_model_is_tried(
    client: httpx.AsyncClient, fleet: Fleet, known: None
) -> None:
    fleet.models.put(recorded("speech", task="text-to-speech"))
    fleet.add(measuring(run("done")), announced("i1", models=["m", "example"]))
    fleet.add(answering(), announced("a1", service="audio-svc", models=["speech"]))
    body = (await client.post("/server/optimize", json={})).json()
    assert {name: told["status"] for name, told in body["models"].items()} == {
        "m": "done",
        "example": "skipped",
        "speech": "skipped",
    }
    assert "speech stays in float32" in body["models"]["speech"]["skipped"]


async def test_nothing_better_changes_nothing(
    client: httpx.AsyncClient, fleet: Fleet, known: None
) -> None:
    fleet.add(measuring(run("done", applied=[])), announced("i1", models=["m"]))
    body = (await client.post("/server/optimize", json={"model_name": "m"})).json()
    assert (body["models_optimized"], body["optimizations_applied"]) == (0, [])
    assert "stays as it was" in body["message"]


@pytest.mark.parametrize(
    ("told", "status", "code"),
    [
        ((422, {"detail": "candidates: no", "field": "candidates"}), 422, "invalid_field"),
        ((409, {"detail": "x", "code": "optimization_running"}), 409, "optimization_running"),
        ((503, {"detail": "x", "code": "no_room"}), 503, "no_room"),
        ((202, run("failed", error="away", code="unavailable")), 503, "unavailable"),
    ],
)
async def test_a_refusal_is_passed_on(
    client: httpx.AsyncClient,
    fleet: Fleet,
    known: None,
    told: tuple[int, object],
    status: int,
    code: str,
) -> None:
    fleet.add(replying(lambda _: told), announced("i1", models=["m"]))
    answer = await client.post("/server/optimize", json={"model_name": "m"})
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_a_replica_that_goes_away_meanwhile_is_told(
    client: httpx.AsyncClient, fleet: Fleet, known: None
) -> None:
    def reply(request: SentRequest) -> tuple[int, object]:
        return (202, run("measuring")) if request.method == "POST" else (404, {})

    fleet.add(replying(reply), announced("i1", models=["m"]))
    answer = await client.post("/server/optimize", json={"model_name": "m"})
    assert answer.status_code == 503
    assert "i1, which measured m, is gone" in answer.json()["detail"]


async def test_undoing_forgets_and_makes_everybody_follow(
    client: httpx.AsyncClient, fleet: Fleet, known: None
) -> None:
    fleet.add(measuring(run("done")), announced("i1", models=["m"]))
    fleet.add(replying(lambda _: (200, {"removed": 2})), announced("r1", service=REGISTRY))
    answer = await client.delete("/server/optimize/m")
    UndoneAnswer.model_validate(answer.json())
    assert (answer.json()["removed"], answer.json()["replicas"]) == (2, ["i1"])
    sent = [(r.address, r.method) for r in fleet.upstream.sent]
    assert sent == [("http://i1", "DELETE"), ("http://r1", "DELETE"), ("http://i1", "PUT")]


async def test_undoing_wants_the_registry(
    client: httpx.AsyncClient, fleet: Fleet, known: None
) -> None:
    fleet.add(measuring(run("done")), announced("i1", models=["m"]))
    assert (await client.delete("/server/optimize/m")).status_code == 503


async def test_what_is_kept_outlives_the_replica_that_measured(
    client: httpx.AsyncClient, fleet: Fleet, known: None
) -> None:
    fleet.add(replying(lambda _: (404, {})), announced("i1", models=["m"]))
    kept = {"success": True, "tunings": [{"candidate": "bf16"}]}
    fleet.add(replying(lambda _: (200, kept)), announced("r1", service=REGISTRY))
    body = (await client.get("/server/optimize/m")).json()
    OptimizationAnswer.model_validate(body)
    assert (body["status"], body["tunings"]) == ("none", [{"candidate": "bf16"}])


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"model_name": "nobody"}, 404, None),
        ({"model_name": "example"}, 422, "model_name"),
        ({"model_name": "coming"}, 409, None),
        ({"candidates": []}, 422, "candidates"),
        ({"tolerance": {"min_cosine": 2}}, 422, "tolerance.min_cosine"),
        ({"model": "m"}, 422, "model"),
    ],
)
async def test_wrong_requests_name_what_is_wrong(
    client: httpx.AsyncClient, fleet: Fleet, body: object, status: int, field: str | None
) -> None:
    fleet.models.put(recorded("coming", ModelState.DOWNLOADING))
    fleet.add(measuring(run("done")), announced("i1"))
    answer = await client.post("/server/optimize", json=body)
    assert (answer.status_code, answer.json().get("field")) == (status, field)


async def test_no_replica_at_all_is_a_503(
    client: httpx.AsyncClient, fleet: Fleet, known: None
) -> None:
    fleet.add(answering(), announced("i1", state=ReplicaState.STARTING))
    answer = await client.post("/server/optimize", json={"model_name": "m"})
    assert answer.status_code == 503
