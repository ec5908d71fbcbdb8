import httpx
import pytest

from fleetserve.runtime import ServiceRuntime
from gpu_svc.api.answers import GpuBestAnswer, GpuConfigAnswer, GpuDetectAnswer, GpuReportAnswer
from gpu_svc.app import control_app
from gpu_svc.device_service import DeviceService
from tests.unit.gpu_svc.conftest import CPU_BUILD, make_devices

NOWHERE = pytest.mark.parametrize("recording", [None])


def client_for(runtime: ServiceRuntime, devices: DeviceService) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(control_app(runtime, devices))
    return httpx.AsyncClient(transport=transport, base_url="http://gpu")


async def test_detect_tells_what_the_driver_told(client: httpx.AsyncClient) -> None:
    body = (await client.get("/gpu/detect")).json()
    GpuDetectAnswer.model_validate(body)
    assert (body["success"], body["total_gpus"], body["suitable_gpus"]) == (True, 1, 1)
    gpu = body["gpus"][0]
    assert (gpu["id"], gpu["name"]) == (0, "NVIDIA GeForce RTX 4090")
    assert (gpu["memory_mb"], gpu["available_memory_mb"]) == (24564.0, 20468.0)
    assert (gpu["utilization"], gpu["temperature_c"], gpu["power_w"]) == (37, 52, 182.34)
    capability = gpu["compute_capability"]
    assert (capability["major"], capability["minor"], capability["version"]) == (8, 9, "8.9")
    assert capability["supports_fp8"]
    assert gpu["recommended_precisions"][0] == "bf16"
    assert gpu["processes"] == [{"pid": 4242, "name": "python3.11", "used_memory_mb": 3584.0}]
    assert gpu["pytorch_support"] is True
    assert body["cpu"]["available_cores"] == 4.0
    assert body["mps"]["available"] is False
    assert body["benchmarks"] is None


@NOWHERE
@pytest.mark.parametrize(
    "path", ["/gpu/detect", "/gpu/best", "/gpu/config", "/gpu/report", "/gpu/best?model_size_mb=90"]
)
async def test_no_gpu_is_a_200(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert answer.status_code == 200
    assert answer.json()["success"] is True


@NOWHERE
async def test_no_gpu_gives_empty_lists_and_says_why(client: httpx.AsyncClient) -> None:
    body = (await client.get("/gpu/detect")).json()
    assert (body["gpus"], body["total_gpus"], body["suitable_gpus"]) == ([], 0, 0)
    assert any("NVML Shared Library Not Found" in note for note in body["notes"])
    best = (await client.get("/gpu/best?model_size_mb=420")).json()
    assert (best["best_gpu"], best["fits"], best["estimated_max_batch_size"]) == (None, False, 0)
    assert "NVML Shared Library Not Found" in best["reason"]
    assert best["cpu_fit"]["fits"] is True


async def test_benchmarks_come_when_asked_for(client: httpx.AsyncClient) -> None:
    body = (await client.get("/gpu/detect?include_benchmarks=true")).json()
    assert [m["copy_gb_per_s"] for m in body["benchmarks"]] == [12.5]


@pytest.mark.parametrize("recording", ["two_unequal"])
async def test_best_prefers_what_the_model_needs(client: httpx.AsyncClient) -> None:
    body = (await client.get("/gpu/best?model_size_mb=28000&precision=fp32")).json()
    GpuBestAnswer.model_validate(body)
    assert body["best_gpu"]["name"] == "NVIDIA A100-SXM4-80GB"
    assert body["fits"] is True
    assert body["estimated_max_batch_size"] == body["fit"]["estimated_max_batch_size"] >= 1
    too_small = body["ranking"][1]
    assert too_small["eligible"] is False
    assert "too small" in too_small["reason"]


async def test_best_takes_the_size_of_a_known_model(client: httpx.AsyncClient) -> None:
    body = (await client.get("/gpu/best?model_name=mini-lm")).json()
    assert body["model_size_mb"] == 90.0


async def test_unknown_model_is_404(client: httpx.AsyncClient) -> None:
    answer = await client.get("/gpu/best?model_name=absent")
    assert answer.status_code == 404
    assert answer.json()["code"] == "model_not_found"


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("model_name=mini_lm&model_size_mb=3", "model_size_mb"),
        ("model_size_mb=0", "model_size_mb"),
        ("precision=fp12", "precision"),
    ],
)
async def test_wrong_query_is_422_with_the_field(
    client: httpx.AsyncClient, query: str, field: str
) -> None:
    answer = await client.get(f"/gpu/best?{query}")
    assert (answer.status_code, answer.json()["field"]) == (422, field)


async def test_redis_away_fails_only_what_needs_it(runtime: ServiceRuntime) -> None:
    async with client_for(runtime, make_devices("t4", away="Redis is away")) as client:
        detected = (await client.get("/gpu/detect")).json()
        assert detected["total_gpus"] == 1
        assert any("Redis is away" in note for note in detected["notes"])
        assert detected["gpus"][0]["pytorch_support"] is None
        answer = await client.get("/gpu/best?model_name=mini_lm")
        assert answer.status_code == 503
        assert "Retry-After" in answer.headers


async def test_config_names_the_device_and_its_settings(client: httpx.AsyncClient) -> None:
    body = (await client.get("/gpu/config")).json()
    GpuConfigAnswer.model_validate(body)
    assert (body["requested_device"], body["pytorch_device"]) == ("auto", "cuda:0")
    config = body["device_config"]
    assert (config["device_type"], config["device_id"]) == ("cuda", 0)
    assert config["use_bf16"] is True
    assert {r["optimization"] for r in body["optimization_recommendations"]} == {
        "fp16", "bf16", "int8", "tensorrt", "torch_compile",
    }  # fmt: skip


@NOWHERE
async def test_auto_without_a_gpu_is_the_cpu(client: httpx.AsyncClient) -> None:
    body = (await client.get("/gpu/config")).json()
    assert body["pytorch_device"] == "cpu"
    assert body["device_config"]["device_id"] is None
    assert body["memory_recommendations"]["total_mb"] == 32_000.0


async def test_a_device_that_is_not_there_is_503_and_no_fallback(runtime: ServiceRuntime) -> None:
    async with client_for(runtime, make_devices(None, requested="cuda:0")) as client:
        answer = await client.get("/gpu/config")
        assert (answer.status_code, answer.json()["code"]) == (503, "device_not_available")
        assert "NVML" in answer.json()["detail"]
        report = (await client.get("/gpu/report")).json()
        assert report["config"] is None
        assert "DEVICE=cuda:0" in report["config_problem"]


async def test_torch_without_cuda_makes_auto_the_cpu(runtime: ServiceRuntime) -> None:
    async with client_for(runtime, make_devices("h200", build=CPU_BUILD)) as client:
        assert (await client.get("/gpu/config")).json()["pytorch_device"] == "cpu"
        gpu = (await client.get("/gpu/detect")).json()["gpus"][0]
        assert (gpu["suitable_for_inference"], gpu["pytorch_support"]) == (False, False)
        assert "build without CUDA" in gpu["unsuitable_reason"]


async def test_report_in_three_formats(client: httpx.AsyncClient) -> None:
    as_json = await client.get("/gpu/report")
    GpuReportAnswer.model_validate(as_json.json())
    text = await client.get("/gpu/report?format=text")
    assert text.headers["content-type"].startswith("text/plain")
    assert "NVIDIA GeForce RTX 4090" in text.text
    page = await client.get("/gpu/report?format=html")
    assert page.headers["content-type"].startswith("text/html")
    assert page.text.startswith("<!doctype html>")
    assert (await client.get("/gpu/report?format=pdf")).status_code == 422


async def test_every_route_has_a_description_and_an_example(client: httpx.AsyncClient) -> None:
    paths = (await client.get("/openapi.json")).json()["paths"]
    for path in ("/gpu/detect", "/gpu/best", "/gpu/config", "/gpu/report"):
        operation = paths[path]["get"]
        assert operation["summary"]
        assert operation["description"]
        assert all(parameter["description"] for parameter in operation.get("parameters", []))
        content = operation["responses"]["200"]["content"]["application/json"]
        assert content["schema"]["$ref"].endswith("Answer")
        if path != "/gpu/report":
            assert content["example"]["success"] is True
