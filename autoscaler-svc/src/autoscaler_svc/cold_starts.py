"""How long replicas and models took to become ready, as seen from here."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from autoscaler_svc.census import Member, MemberState
from fleetserve.announcements import InstanceState

KEPT = 200


@dataclass(frozen=True, slots=True)
class ColdStart:
    """``model`` is empty for a replica's own start; ``at_s`` is wall time, to the second."""

    at_s: float
    service: str
    replica_id: str
    model: str
    seconds: float


class ColdStarts:
    """Compares each moment with the one before; what was ready at first sight is none."""

    def __init__(self) -> None:
        self._waiting: dict[tuple[str, str], float] = {}
        self.seen: deque[ColdStart] = deque(maxlen=KEPT)
        self.total = 0

    def update(self, members: Iterable[Member], monotonic_s: float, wall_s: float) -> None:
        """Takes in who is there now."""
        there: set[tuple[str, str]] = set()
        for member in members:
            for key, is_ready in _states(member):
                there.add(key)
                if not is_ready:
                    self._waiting.setdefault(key, monotonic_s)
                elif key in self._waiting:
                    seconds = round(monotonic_s - self._waiting.pop(key), 1)
                    found = ColdStart(wall_s, member.service, member.id, key[1], seconds)
                    self.seen.append(found)
                    self.total += 1
        for gone in self._waiting.keys() - there:
            del self._waiting[gone]


def _states(member: Member) -> Iterable[tuple[tuple[str, str], bool]]:
    """The replica and its models, by (who, model), and whether each is ready."""
    who = member.unit.id if member.unit is not None else member.id
    if member.is_live:
        yield (who, ""), member.state is MemberState.READY
    for model in member.told.models if member.told is not None else ():
        if model.state is not InstanceState.FAILED:
            yield (who, model.name), model.state is InstanceState.READY
