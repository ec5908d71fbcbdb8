"""What one more replica is given: its share of the cores, its GPU."""

from collections import Counter
from collections.abc import Sequence

from autoscaler_svc.bounds import Room
from autoscaler_svc.census import Member
from autoscaler_svc.orchestrator.base import ReplicaSpec


def spec_for(
    service: str, members: Sequence[Member], room: Room, *, share_cores: bool
) -> ReplicaSpec:
    """The specification of one more replica.

    Args:
        service: Whose replica.
        members: Every replica of the machine, of all services.
        room: The machine's.
        share_cores: Nobody has set the number of threads by hand.
    """
    environment: dict[str, str] = {}
    live = [m for m in members if m.is_live]
    if share_cores and not room.gpus:
        # Threads that outnumber the cores spin against each other; those of before keep theirs.
        environment["TORCH_THREADS"] = str(max(1, room.cores // (len(live) + 1)))
    if room.gpus > 1:
        environment["CUDA_VISIBLE_DEVICES"] = str(_least_used(live, room.gpus))
    return ReplicaSpec(service, environment)


def on_gpu(members: Sequence[Member]) -> bool:
    """Whether replicas like these compute on a GPU."""
    return any(m.told is not None and m.told.device.startswith("cuda") for m in members)


def _least_used(live: Sequence[Member], gpus: int) -> int:
    used = Counter(_gpu_of(member) for member in live)
    return min(range(gpus), key=lambda index: (used[index], index))


def _gpu_of(member: Member) -> int:
    """The index of its GPU as the machine counts; -1 where it has none."""
    given = member.unit.gpu if member.unit is not None else ""
    if given.isdigit():
        return int(given)
    device = member.told.device if member.told is not None else ""
    kind, _, index = device.partition(":")
    return (int(index) if index.isdigit() else 0) if kind == "cuda" else -1
