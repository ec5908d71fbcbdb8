"""Between how many and how many replicas a service may have, and what says so: pure."""

from dataclasses import dataclass

# As many as POST /autoscaler/scale can ask for.
MOST_BY_HAND = 10


@dataclass(frozen=True, slots=True)
class Bounds:
    """``lower`` wins where the two contradict each other; the reasons are names of settings."""

    lower: int
    lower_reason: str
    upper: int
    upper_reason: str


@dataclass(frozen=True, slots=True)
class Room:
    """What the machine has.

    Attributes:
        cores: That the fleet may use.
        free_mb: Memory that can be had now; negative: not known.
        gpus: Usable ones; 0 where replicas compute on the CPU.
    """

    cores: int
    free_mb: float
    gpus: int


@dataclass(frozen=True, slots=True)
class Limits:
    """What the configuration says.

    Attributes:
        maximum: Replicas of a kind; 0: by load one for each core or GPU, by hand MOST_BY_HAND.
        reserve_mb: Memory that stays free.
        may_be_zero: Nothing is asked for, and then there need be none.
    """

    minimum: int = 1
    maximum: int = 0
    reserve_mb: float = 512.0
    may_be_zero: bool = False


def bounds_by_load(
    limits: Limits, room: Room, *, floor: int, floor_reason: str, current: int, replica_mb: float
) -> Bounds:
    """The bounds of what load alone decides.

    Args:
        limits: The configuration's.
        room: The machine's.
        floor: What somebody or something else asks for beyond the minimum.
        floor_reason: Who or what that is.
        current: Replicas that are there; room for them has been found already.
        replica_mb: What one more of them takes.
    """
    uppers = [_by_devices(room)] if limits.maximum == 0 else [(limits.maximum, "max_replicas")]
    uppers += _by_memory(limits, room, current, replica_mb)
    upper, upper_reason = min(uppers)
    minimum = 0 if limits.may_be_zero else max(1, limits.minimum)
    lower, lower_reason = minimum, "min_replicas"
    if floor > lower:
        lower, lower_reason = floor, floor_reason
    return Bounds(lower, lower_reason, upper, upper_reason)


def most_by_hand(limits: Limits, room: Room, *, current: int, replica_mb: float) -> tuple[int, str]:
    """The most replicas that can be asked for, and what limits them."""
    most = (limits.maximum, "max_replicas") if limits.maximum else (MOST_BY_HAND, "max_replicas")
    return min([most, *_by_memory(limits, room, current, replica_mb)])


def _by_devices(room: Room) -> tuple[int, str]:
    if room.gpus:
        return room.gpus, "gpus"
    return max(1, min(room.cores, MOST_BY_HAND)), "cores"


def _by_memory(
    limits: Limits, room: Room, current: int, replica_mb: float
) -> list[tuple[int, str]]:
    if room.free_mb < 0:
        return []
    more = max(0, int((room.free_mb - limits.reserve_mb) // max(1.0, replica_mb)))
    return [(current + more, "memory")]
