import httpx
import pytest

from autoscaler_svc.app import build, control_app, real_ports
from autoscaler_svc.orchestrator.docker import DockerOrchestrator
from autoscaler_svc.orchestrator.process import ProcessOrchestrator
from autoscaler_svc.settings import load_settings
from fleetserve.runtime import ServiceRuntime
from tests.unit.autoscaler_svc.world import World

ENGINE = {"FLEETSERVE_ENGINE_URL": "http://engine-proxy:2375"}
PATHS = ["/autoscaler/stats", "/autoscaler/health", "/autoscaler/config", "/autoscaler/history"]


@pytest.mark.parametrize("path", PATHS)
async def test_without_the_fleets_token_nothing_is_told(
    environ: dict[str, str], own_logging: None, path: str
) -> None:
    app, runtime = build(load_settings(environ))
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://autoscaler") as client:
        answer = await client.get(path)
    for close in runtime.on_shutdown:
        await close()
    runtime.sink.close()
    assert (answer.status_code, answer.json()["code"]) == (401, "service_token_required")


async def test_engine_follows_from_the_settings(
    environ: dict[str, str], runtime: ServiceRuntime
) -> None:
    local = real_ports(load_settings(environ), runtime)
    containers = real_ports(load_settings(environ | ENGINE), runtime)
    for ports in (local, containers):
        await ports.orchestrator.close()
        await ports.calls.close()
        await ports.machine.close()
    assert isinstance(local.orchestrator, ProcessOrchestrator)
    assert isinstance(containers.orchestrator, DockerOrchestrator)


async def test_only_containers_are_ended_with_the_process(
    environ: dict[str, str], own_logging: None
) -> None:
    counts = []
    for more in ({}, ENGINE):
        _, runtime = build(load_settings(environ | more))
        counts.append(len(runtime.on_shutdown))
        for close in runtime.on_shutdown[-5:]:
            await close()
        runtime.sink.close()
    assert counts == [5, 6]


async def test_health_of_the_process_tells_of_the_scaling(
    world: World, runtime: ServiceRuntime
) -> None:
    check = control_app(runtime, world.services).state.checks["scaling"]
    with pytest.raises(Exception, match="not been looked at"):
        await check()
    await world.settled()
    assert await check() == "leads"


async def test_process_is_ready_once_it_has_looked(world: World, runtime: ServiceRuntime) -> None:
    assert runtime.not_ready_reasons() == ["the fleet has not been looked at yet"]
    world.fleet.away = "Redis is away"
    await world.clock.advance(0)
    await world.scaler.tick()
    assert runtime.not_ready_reasons() == []
