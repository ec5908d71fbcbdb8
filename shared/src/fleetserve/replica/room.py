"""Whom to unload so that a model fits; pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from fleetserve.errors import DoesNotFitError, ShedError


@dataclass(frozen=True, slots=True)
class Tenant:
    """A model in memory; ``busy`` while requests hold it, ``stays``: it never makes room."""

    name: str
    bytes: int
    last_used_s: float
    busy: bool = False
    stays: bool = False


def who_leaves(name: str, wanted: int, tenants: Iterable[Tenant], free: int) -> tuple[str, ...]:
    """The least recently used idle models that have to go, in the order to unload them.

    Args:
        name: Of the model that is to come.
        wanted: Bytes that it takes.
        tenants: What is in memory.
        free: Bytes free now.

    Raises:
        DoesNotFitError: it would not fit either if everything that may go were gone; says what
            would.
        ShedError: it would, but what is in the way is in use now.
    """
    everyone = list(tenants)
    leaving: list[str] = []
    room = free
    movable = [t for t in everyone if not t.busy and not t.stays]
    for tenant in sorted(movable, key=lambda t: t.last_used_s):
        if room >= wanted:
            break
        leaving.append(tenant.name)
        room += tenant.bytes
    if room >= wanted:
        return tuple(leaving)
    ceiling = free + sum(t.bytes for t in everyone if not t.stays)
    if ceiling < wanted:
        raise _too_large(name, wanted, ceiling, [t.name for t in everyone if t.stays])
    raise ShedError(
        f"{name} needs about {wanted >> 20} MiB, and the models here are in use.", code="no_room"
    )


def _too_large(name: str, wanted: int, ceiling: int, staying: list[str]) -> DoesNotFitError:
    room_mib = max(0, ceiling) >> 20
    beside = f" beside what has to stay ({', '.join(sorted(staying))})" if staying else ""
    return DoesNotFitError(
        f"{name} needs about {wanted >> 20} MiB; this replica could free {room_mib} MiB at most"
        f"{beside}. A model of up to {room_mib} MiB would fit; else use a replica with more memory."
    )
