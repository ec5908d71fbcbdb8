"""What the autoscaler's tests are made of: units, announcements, members, demands."""

from collections.abc import Iterable

from autoscaler_svc.census import Member, MemberState
from autoscaler_svc.orchestrator.base import Unit, UnitState
from fleetserve.announcements import Announcement, InstanceState, ModelInstance, ReplicaState
from fleetserve.demand import Demand, ModelDemand
from fleetserve.model_records import ModelRecord, ModelState

INFERENCE, AUDIO = "inference-svc", "audio-svc"
MIB = 1 << 20


def unit(
    name: str = "r1",
    *,
    service: str = INFERENCE,
    state: UnitState = UnitState.RUNNING,
    managed: bool = True,
    created_at: float = 0.0,
    host: str = "",
    replica_id: str | None = None,
    gpu: str = "",
    outdated: bool = False,
) -> Unit:
    """Its id is ``u-`` and the name, its replica id the name."""
    own_id = name if replica_id is None else replica_id
    return Unit(f"u-{name}", service, own_id, host, state, managed, created_at, gpu, outdated)


def instance(
    name: str,
    state: InstanceState = InstanceState.READY,
    *,
    revision: str = "rev",
    size: int = 0,
    idle_s: float = 0.0,
    in_use: int = 0,
    uses: int = 1,
) -> ModelInstance:
    return ModelInstance(
        name, revision, state, size, last_used_s_ago=idle_s, in_use=in_use, uses=uses
    )


def told(
    name: str = "r1",
    *models: ModelInstance,
    service: str = INFERENCE,
    state: ReplicaState = ReplicaState.READY,
    boot_id: str = "b1",
    address: str | None = None,
    in_flight: int = 0,
    device: str = "cpu",
    room_bytes: int = -1,
    started_at: float = 0.0,
) -> Announcement:
    return Announcement(
        service,
        name,
        address or f"http://{name}:8000",
        boot_id,
        state,
        models,
        in_flight=in_flight,
        capacity=512,
        device=device,
        room_bytes=room_bytes,
        started_at=started_at,
    )


def member(
    name: str = "r1",
    state: MemberState = MemberState.READY,
    *models: ModelInstance,
    managed: bool = True,
    created_at: float = 0.0,
    in_flight: int = 0,
    not_ready_s: float = 0.0,
    outdated: bool = False,
    service: str = INFERENCE,
    device: str = "cpu",
    gpu: str = "",
    room_bytes: int = -1,
) -> Member:
    engine = UnitState.STOPPED if state is MemberState.STOPPED else UnitState.RUNNING
    own = unit(
        name,
        service=service,
        state=engine,
        managed=managed,
        created_at=created_at,
        gpu=gpu,
        outdated=outdated,
    )
    says = None
    if state is MemberState.READY:
        says = told(
            name,
            *models,
            service=service,
            in_flight=in_flight,
            device=device,
            room_bytes=room_bytes,
        )
    return Member(service, state, own, says, not_ready_s)


def record(
    name: str,
    state: ModelState = ModelState.READY,
    *,
    task: str = "feature-extraction",
    size: int = 100,
    progress: float = 0.0,
    message: str = "",
) -> ModelRecord:
    return ModelRecord(
        name,
        task,
        state,
        revision="rev",
        size_bytes=size,
        progress=progress,
        message=message,
    )


def demand(
    *models: tuple[str, float, int], gateway: str = "g1", service: str = INFERENCE
) -> Demand:
    """Models as (name, concurrency, held)."""
    return Demand(gateway, {name: ModelDemand(service, load, held) for name, load, held in models})


def ids(members: Iterable[Member]) -> list[str]:
    return [m.id for m in members]
