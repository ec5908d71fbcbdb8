"""Whom to unload so that a model fits; pure."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tenant:
    """A model in memory; ``movable``: idle and not pinned."""

    name: str
    bytes: int
    last_used_s: float
    movable: bool


@dataclass(frozen=True, slots=True)
class RoomPlan:
    """What to do for room.

    Attributes:
        unload: Names, in the order to unload them.
        fits: With those gone there is room now.
        could_fit: There would be room if everything that is not pinned were idle.
    """

    unload: tuple[str, ...]
    fits: bool
    could_fit: bool


def plan_room(tenants: Iterable[Tenant], free: int, wanted: int, pinned: int) -> RoomPlan:
    """The least recently used idle models that have to go for ``wanted`` more bytes.

    Args:
        tenants: What is in memory.
        free: Bytes free now.
        wanted: Bytes of the model that is to come.
        pinned: Bytes of the models that never leave.
    """
    everyone = list(tenants)
    ceiling = free + sum(t.bytes for t in everyone) - pinned
    leaving: list[str] = []
    room = free
    for tenant in sorted((t for t in everyone if t.movable), key=lambda t: t.last_used_s):
        if room >= wanted:
            break
        leaving.append(tenant.name)
        room += tenant.bytes
    if room < wanted:
        return RoomPlan((), fits=False, could_fit=ceiling >= wanted)
    return RoomPlan(tuple(leaving), fits=True, could_fit=True)
