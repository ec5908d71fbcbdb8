import pytest

from fleetserve.clock import ManualClock
from fleetserve.supervisor.environment import Wiring
from fleetserve.supervisor.home import FleetHome
from fleetserve.supervisor.launcher import Launcher, new_id, redis_launch
from fleetserve.supervisor.readiness import HttpReadiness, WorkerReadiness
from fleetserve.supervisor.redis_server import RedisTarget
from fleetserve.supervisor.restart import RestartPolicy
from fleetserve.supervisor.services import FLEET, find_template
from fleetserve.supervisor.settings import SupervisorSettings
from fleetserve.supervisor.specs import ProcessSpec


@pytest.fixture
def launcher(settings: SupervisorSettings, home: FleetHome, clock: ManualClock) -> Launcher:
    wiring = Wiring("redis://127.0.0.1:1/0", "fleetserve", home.path / "engine.sock", 2)
    return Launcher(settings, home, wiring, clock)


def test_service_runs_as_a_module_that_the_current_folder_cannot_shadow(
    launcher: Launcher, settings: SupervisorSettings
) -> None:
    template = find_template(FLEET, "gateway")
    assert template is not None
    launch = launcher.service(template, ProcessSpec("gateway", replica_id="gateway"))
    assert launch.command.argv == (settings.python, "-P", "-m", "gateway")
    assert launch.grace_s == template.grace_s
    assert type(launch.readiness) is HttpReadiness


def test_worker_is_ready_by_its_file_alone(launcher: Launcher) -> None:
    template = find_template(FLEET, "model-registry-worker")
    assert template is not None
    launch = launcher.service(template, ProcessSpec(template.name))
    assert type(launch.readiness) is WorkerReadiness


def test_each_process_announces_itself_in_a_file_of_its_own(launcher: Launcher) -> None:
    template = find_template(FLEET, "audio-svc")
    assert template is not None
    spec = ProcessSpec("audio-svc", restart=RestartPolicy.NEVER)
    launches = [launcher.service(template, spec) for _ in range(2)]
    files = {launch.command.environment["FLEETSERVE_ADDRESS_FILE"] for launch in launches}
    assert len(files) == 2
    assert {launch.restart for launch in launches} == {RestartPolicy.NEVER}


def test_redis_password_is_on_no_command_line_and_in_no_environment(
    settings: SupervisorSettings, home: FleetHome, clock: ManualClock
) -> None:
    target = RedisTarget("127.0.0.1", 7, password="p4ssw0rd")
    config = home.secrets_dir / "redis.conf"
    launch = redis_launch(home.path, config, target, settings=settings, clock=clock)
    assert launch.command.argv == (str(home.path), str(config))
    assert "p4ssw0rd" not in str(launch.command)


def test_ids_are_short_and_differ() -> None:
    ids = {new_id() for _ in range(100)}
    assert len(ids) == 100
    assert {len(i) for i in ids} == {12}
