import httpx
import pytest

from gpu_svc.app import build
from gpu_svc.probe.memory import RECORDINGS
from gpu_svc.settings import load_settings

PATHS = ["/gpu/detect", "/gpu/best", "/gpu/config", "/gpu/report"]


@pytest.mark.parametrize("path", PATHS)
async def test_without_the_fleets_token_nothing_is_told(
    environ: dict[str, str], own_logging: None, path: str
) -> None:
    recording = {"FLEETSERVE_GPU_RECORDING": str(RECORDINGS / "h200.json")}
    app, runtime = build(load_settings(environ | recording))
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://gpu") as client:
        answer = await client.get(path)
    runtime.sink.close()
    assert (answer.status_code, answer.json()["code"]) == (401, "service_token_required")
