"""Which replica a request goes to."""

import random
from collections.abc import Collection, Sequence
from hashlib import blake2b

from fleetserve.announcements import InstanceState
from gateway.replica_table import Replica


def choose(
    ready: Sequence[Replica],
    model: str,
    *,
    tried: Collection[str] = (),
    now_s: float,
    size_bytes: int = 0,
    gateways: int = 1,
) -> Replica | None:
    """The replica for one attempt, or None when none is left.

    Among ready replicas that hold the model the least loaded is taken, of two random ones
    when several gateways choose at the same time. Where nobody holds it, rendezvous hashing
    over those with room keeps a model's requests together, so that it is loaded once.
    Suspects come last. An empty ``model`` means any replica will do.

    Source: Mitzenmacher 2001, power of two choices; Thaler and Ravishankar 1998.
    """
    open_ = [r for r in ready if r.id not in tried] if tried else ready
    candidates = [r for r in open_ if r.suspect_until_s <= now_s] or open_
    if not candidates:
        return None
    if not model:
        return _least_loaded(candidates, gateways)
    holders = [r for r in candidates if r.instances.get(model) is InstanceState.READY]
    if holders:
        return _least_loaded(holders, gateways)
    loading = [r for r in candidates if r.instances.get(model) is InstanceState.LOADING]
    with_room = [r for r in candidates if _has_room(r, size_bytes)]
    return max(loading or with_room or candidates, key=lambda r: _weight(r.id, model))


def _least_loaded(replicas: Sequence[Replica], gateways: int) -> Replica:
    if len(replicas) == 1:
        return replicas[0]
    if gateways > 1 and len(replicas) > 2:
        replicas = random.sample(replicas, 2)
    lowest = min(r.load for r in replicas)
    return random.choice([r for r in replicas if r.load == lowest])  # noqa: S311 - not a secret


def _has_room(replica: Replica, size_bytes: int) -> bool:
    room = replica.announced.room_bytes
    return room < 0 or room >= size_bytes


def _weight(replica_id: str, model: str) -> bytes:
    return blake2b(f"{replica_id}|{model}".encode(), digest_size=8).digest()
