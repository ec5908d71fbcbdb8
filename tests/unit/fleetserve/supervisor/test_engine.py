import pytest

from fleetserve.clock import ManualClock
from fleetserve.errors import (
    ConflictError,
    InvalidFieldError,
    NotFoundError,
    UnavailableError,
)
from fleetserve.supervisor.engine import Engine
from fleetserve.supervisor.environment import Wiring
from fleetserve.supervisor.home import FleetHome
from fleetserve.supervisor.launcher import Launcher
from fleetserve.supervisor.services import FLEET
from fleetserve.supervisor.settings import SupervisorSettings
from fleetserve.supervisor.spawner.memory import MemorySpawner
from fleetserve.supervisor.specs import ProcessSpec
from tests.unit.fleetserve.supervisor.conftest import Diary, MakeLaunch


@pytest.fixture
def engine(
    settings: SupervisorSettings,
    home: FleetHome,
    spawner: MemorySpawner,
    clock: ManualClock,
    diary: Diary,
) -> Engine:
    engine = Engine(FLEET, spawner=spawner, clock=clock, observer=diary)
    wiring = Wiring("redis://127.0.0.1:1/0", "fleetserve", home.path / "engine.sock", 2)
    engine.use(Launcher(settings, home, wiring, clock))
    return engine


async def end(engine: Engine) -> None:
    for process in engine.list():
        await process.stop(0)


async def test_created_process_runs_its_service_with_its_environment(
    engine: Engine, spawner: MemorySpawner, clock: ManualClock
) -> None:
    process = engine.create(
        ProcessSpec("inference-svc", environment={"TORCH_THREADS": "3"}, labels={"a": "b"})
    )
    await clock.advance(0)
    command = spawner.commands[0]
    assert command.argv[-2:] == ("-m", "inference_svc")
    assert command.environment["TORCH_THREADS"] == "3"
    view = process.view()
    assert command.environment["FLEETSERVE_REPLICA_ID"] == view.replica_id
    assert view.labels == {
        "a": "b",
        "fleetserve.service": "inference-svc",
        "fleetserve.replica_id": view.replica_id,
    }
    await end(engine)


async def test_replica_ids_that_nobody_chose_differ(engine: Engine) -> None:
    first, second = (engine.create(ProcessSpec("audio-svc")) for _ in range(2))
    assert first.launch.replica_id != second.launch.replica_id
    await end(engine)


@pytest.mark.parametrize("service", ["gateway", "redis", "no-such-svc", ""])
async def test_only_replicas_can_be_created(engine: Engine, service: str) -> None:
    with pytest.raises(InvalidFieldError, match="inference-svc, audio-svc can"):
        engine.create(ProcessSpec(service))


@pytest.mark.parametrize(
    "name", ["PATH", "LD_PRELOAD", "PYTHONPATH", "REDIS_URL", "FLEETSERVE_HOME", "HF_TOKEN", "A__B"]
)
async def test_environment_that_changes_what_a_process_is_gets_refused(
    engine: Engine, name: str
) -> None:
    with pytest.raises(InvalidFieldError, match=name):
        engine.create(ProcessSpec("inference-svc", environment={name: "x"}))


async def test_settings_of_a_service_are_taken(engine: Engine) -> None:
    environment = {"FLEETSERVE_BATCH__MAX_SIZE": "4", "DEVICE": "cpu", "OMP_NUM_THREADS": "1"}
    engine.create(ProcessSpec("inference-svc", environment=environment))
    await end(engine)


@pytest.mark.parametrize("replica_id", ["", "../up", "UPPER", "a b", "x" * 64])
async def test_odd_replica_id_is_refused(engine: Engine, replica_id: str) -> None:
    with pytest.raises(InvalidFieldError, match="replica_id"):
        engine.create(ProcessSpec("inference-svc", replica_id=replica_id))


async def test_taken_replica_id_is_a_conflict_that_names_the_holder(engine: Engine) -> None:
    holder = engine.create(ProcessSpec("inference-svc", replica_id="r1"))
    with pytest.raises(ConflictError) as caught:
        engine.create(ProcessSpec("inference-svc", replica_id="r1"))
    assert caught.value.extra == {"id": holder.launch.id}
    await end(engine)


async def test_list_takes_labels_with_and_without_values(engine: Engine) -> None:
    for number, zone in enumerate(("a", "b", "b")):
        labels = {"zone": zone} | ({"managed": "yes"} if number else {})
        engine.create(ProcessSpec("audio-svc", replica_id=f"r{number}", labels=labels))

    def ids(labels: dict[str, str | None]) -> list[str]:
        return [p.launch.replica_id for p in engine.list(labels=labels)]

    assert ids({}) == ["r0", "r1", "r2"]
    assert ids({"zone": "b"}) == ["r1", "r2"]
    assert ids({"managed": None}) == ["r1", "r2"]
    assert ids({"managed": None, "zone": "a"}) == []
    await end(engine)


async def test_labels_of_identity_cannot_be_forged(engine: Engine) -> None:
    labels = {"fleetserve.service": "gateway"}
    process = engine.create(ProcessSpec("audio-svc", labels=labels))
    assert process.view().labels["fleetserve.service"] == "audio-svc"
    await end(engine)


async def test_process_is_found_by_id_and_by_replica_id(engine: Engine) -> None:
    process = engine.create(ProcessSpec("audio-svc", replica_id="r1"))
    assert engine.find("r1") is engine.find(process.launch.id) is process
    with pytest.raises(NotFoundError, match="r2"):
        engine.find("r2")
    await end(engine)


async def test_running_process_is_removed_only_by_force(engine: Engine, clock: ManualClock) -> None:
    engine.create(ProcessSpec("audio-svc", replica_id="r1"))
    await clock.advance(0)
    with pytest.raises(ConflictError, match="force=true"):
        await engine.remove("r1")
    await engine.remove("r1", force=True)
    assert engine.list() == []


async def test_stopped_process_stays_listed_until_it_is_removed(
    engine: Engine, clock: ManualClock
) -> None:
    engine.create(ProcessSpec("audio-svc", replica_id="r1"))
    await clock.advance(0)
    await engine.stop("r1")
    assert [p.state for p in engine.list()] == ["exited"]
    await engine.remove("r1")
    assert engine.list() == []
    engine.create(ProcessSpec("audio-svc", replica_id="r1"))
    await end(engine)


async def test_closed_engine_creates_nothing_more(engine: Engine) -> None:
    engine.close()
    with pytest.raises(UnavailableError):
        engine.create(ProcessSpec("audio-svc"))


async def test_engine_without_a_launcher_can_run_given_commands_only(
    spawner: MemorySpawner, clock: ManualClock, diary: Diary, make_launch: MakeLaunch
) -> None:
    engine = Engine(FLEET, spawner=spawner, clock=clock, observer=diary)
    with pytest.raises(UnavailableError):
        engine.create(ProcessSpec("audio-svc"))
    engine.run(make_launch("redis"))
    await clock.advance(0)
    assert len(spawner.children) == 1
    await end(engine)
