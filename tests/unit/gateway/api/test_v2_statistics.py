import httpx
import msgspec

from fleetserve.usage import ModelUsage, Usage
from tests.unit.gateway.fleet import Fleet, announced, answering


def told_by(fleet: Fleet, seconds: float = 0.25) -> None:
    usage = Usage(inputs=6, last_s=1700000000.5)
    for spent in (usage.success, usage.prepare, usage.queue, usage.compute, usage.encode):
        spent.add(seconds)
    usage.ran(2, seconds)
    usage.ran(4, seconds * 2)
    found = ModelUsage("example", "built-in", {"cuda:1": 4096, "cpu": 10}, usage)
    fleet.add(answering(msgspec.json.encode([found])), announced("i1"))


async def test_statistics_have_tritons_names(client: httpx.AsyncClient, fleet: Fleet) -> None:
    told_by(fleet)
    for path in ("stats", "example/stats", "example/versions/built-in/stats"):
        (found,) = (await client.get(f"/v2/models/{path}")).json()["model_stats"]
        assert (found["name"], found["version"]) == ("example", "built-in")
        assert (found["inference_count"], found["execution_count"]) == (6, 2)
        assert found["last_inference"] == 1700000000500
        spent = {"count": 1, "ns": 250_000_000}
        assert found["inference_stats"]["compute_infer"] == spent
        assert found["inference_stats"]["fail"] == {"count": 0, "ns": 0}
        assert [
            (one["batch_size"], one["compute_infer"]["ns"]) for one in found["batch_stats"]
        ] == [(2, 250_000_000), (4, 500_000_000)]
        assert found["memory_usage"] == [
            {"type": "CPU", "id": 0, "byte_size": 10},
            {"type": "GPU", "id": 1, "byte_size": 4096},
        ]


async def test_what_is_not_here_is_told_in_v2s_shape(
    client: httpx.AsyncClient, fleet: Fleet
) -> None:
    told_by(fleet)
    for path in ("nothing/stats", "example/versions/7/stats"):
        answer = await client.get(f"/v2/models/{path}")
        assert (answer.status_code, list(answer.json())) == (404, ["error"])
