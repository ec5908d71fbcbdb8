"""Which replica shall load or unload which model: pure.

Source: first-fit decreasing (Johnson 1973) for how many replicas the models need.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

# A model in use a moment ago is not evicted for another: they would take turns.
EVICT_IDLE_S = 10.0
# A replica is relieved when it is above the target by this, and another is below half of it.
BUSY_RATIO = 1.1
FREE_RATIO = 0.5


@dataclass(frozen=True, slots=True)
class Need:
    """One model of a service.

    Attributes:
        wanted: Instances that shall be there at least.
        most: Instances that may be there now; None: any number.
        load: Mean requests in flight or waiting for it.
        held: Requests that wait since no replica can serve it.
        fixed: Somebody asked for its instances, or pinned it; not evicted.
        leaves_after_s: Unused for so long it leaves, with 0 once it was used; None: only for
            another one.
    """

    name: str
    revision: str
    size_bytes: int
    wanted: int = 0
    most: int | None = None
    load: float = 0.0
    held: int = 0
    fixed: bool = False
    leaves_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class Instance:
    """A model on a replica, loaded or being loaded; ``used``: since it was loaded."""

    revision: str
    ready: bool
    bytes: int
    idle_s: float
    in_use: bool = False
    used: bool = True


@dataclass(frozen=True, slots=True)
class Host:
    """A ready replica; ``room_bytes`` is negative where it is not known."""

    id: str
    room_bytes: int
    instances: Mapping[str, Instance]


@dataclass(frozen=True, slots=True)
class Load:
    model: str
    revision: str
    host: str
    reason: str


@dataclass(frozen=True, slots=True)
class Unload:
    """``idle_s``: only if it is still unused for so long and not pinned; None: in any case."""

    model: str
    revision: str
    host: str
    reason: str
    idle_s: float | None = None


@dataclass(frozen=True, slots=True)
class NoRoom:
    """No replica that is there can take the model."""

    model: str


Step = Load | Unload | NoRoom


@dataclass(frozen=True, slots=True)
class Terms:
    """Under which the steps are made.

    Attributes:
        target_in_flight: Requests in one replica that are aimed at.
        blocked: Pairs of model and replica that are at work or failed a moment ago.
        preferred: Replicas that held a model before, by model.
    """

    target_in_flight: float
    blocked: Collection[tuple[str, str]] = ()
    preferred: Mapping[str, Collection[str]] | None = None


def plan_placement(needs: Sequence[Need], hosts: Sequence[Host], terms: Terms) -> list[Step]:
    """The next steps towards what is wanted; none where it is as it should be."""
    steps: list[Step] = []
    for need in sorted(needs, key=lambda n: (-n.held, not n.fixed, n.name)):
        missing = _missing(need, needs, hosts, terms)
        # What one model was given the next can't have.
        hosts = [_after(missing, need, host) for host in hosts]
        superfluous = _superfluous(need, hosts, terms)
        hosts = [_after(superfluous, need, host) for host in hosts]
        steps += [*missing, *superfluous]
    if not steps:
        steps += _relieve(needs, hosts, terms)
    return steps


def replicas_needed(sizes: Iterable[int], capacity: int) -> int:
    """How many replicas of that capacity hold models of these sizes, first fit decreasing."""
    bins: list[int] = []
    for size in sorted(sizes, reverse=True):
        for index, free in enumerate(bins):
            if size <= free:
                bins[index] -= size
                break
        else:
            bins.append(max(0, capacity - size))
    return len(bins)


def _missing(need: Need, needs: Sequence[Need], hosts: Sequence[Host], terms: Terms) -> list[Step]:
    have = sum(need.name in host.instances for host in hosts)
    wanted = max(need.wanted, 1 if need.held else 0)
    steps: list[Step] = []
    open_hosts = [
        h for h in hosts if need.name not in h.instances and (need.name, h.id) not in terms.blocked
    ]
    reason = "requests wait for it" if need.held else "so many are wanted"
    for _ in range(min(wanted, len(hosts)) - have):
        host = _best(need, open_hosts, terms)
        if host is not None:
            steps.append(Load(need.name, need.revision, host.id, reason))
        elif (evicting := _eviction(need, needs, open_hosts)) is not None:
            host, unloads = evicting
            steps += [*unloads, Load(need.name, need.revision, host.id, reason)]
        else:
            return [*steps, NoRoom(need.name)] if open_hosts else steps
        open_hosts.remove(host)
    return steps


def _after(steps: Sequence[Step], need: Need, host: Host) -> Host:
    """The replica once the steps for that model are done."""
    instances, room = dict(host.instances), host.room_bytes
    for step in steps:
        if isinstance(step, NoRoom) or step.host != host.id:
            continue
        if isinstance(step, Load):
            instances[need.name] = Instance(need.revision, False, need.size_bytes, 0.0)
            room -= need.size_bytes
        else:
            room += instances.pop(step.model).bytes
    # A room that is not known stays so.
    known = host.room_bytes if host.room_bytes < 0 else max(0, room)
    return Host(host.id, known, instances)


def _best(need: Need, hosts: Sequence[Host], terms: Terms) -> Host | None:
    """Where it was before, else where the fewest models are, else where there is most room."""
    before = (terms.preferred or {}).get(need.name, ())
    fitting = [h for h in hosts if h.room_bytes < 0 or h.room_bytes >= need.size_bytes]
    return max(
        fitting,
        key=lambda h: (h.id in before, -len(h.instances), h.room_bytes),
        default=None,
    )


def _eviction(
    need: Need, needs: Sequence[Need], hosts: Sequence[Host]
) -> tuple[Host, list[Unload]] | None:
    """The replica where the least recently used models make room, and which those are."""
    fixed = {n.name for n in needs if n.fixed or n.held}
    evictable = {n.name for n in needs} - fixed
    found: list[tuple[float, Host, list[Unload]]] = []
    for host in hosts:
        room, unloads, youngest_s = host.room_bytes, [], float("inf")
        idle = sorted(host.instances.items(), key=lambda item: -item[1].idle_s)
        for name, instance in idle:
            if room >= need.size_bytes:
                break
            if name in evictable and instance.ready and instance.idle_s >= EVICT_IDLE_S:
                room += instance.bytes
                youngest_s = min(youngest_s, instance.idle_s)
                why = f"room for {need.name}, unused for {instance.idle_s:.0f} s"
                unloads.append(Unload(name, instance.revision, host.id, why, EVICT_IDLE_S))
        if room >= need.size_bytes and unloads:
            found.append((youngest_s, host, unloads))
    if not found:
        return None
    _, host, unloads = max(found, key=lambda item: item[0])
    return host, unloads


def _superfluous(need: Need, hosts: Sequence[Host], terms: Terms) -> list[Step]:
    holders = [
        (host, host.instances[need.name])
        for host in hosts
        if need.name in host.instances and (need.name, host.id) not in terms.blocked
    ]
    if need.most is not None:
        # The least recently used of them go first.
        holders.sort(key=lambda pair: pair[1].idle_s)
        return [
            Unload(need.name, i.revision, h.id, f"{need.most} are wanted")
            for h, i in holders[need.most :]
        ]
    limit_s = need.leaves_after_s
    if limit_s is None or need.fixed or need.held:
        return []
    return [
        Unload(need.name, i.revision, h.id, f"unused for {i.idle_s:.0f} s", limit_s)
        for h, i in holders
        if i.ready and not i.in_use and i.idle_s >= limit_s and (i.used or limit_s > 0)
    ]


def _relieve(needs: Sequence[Need], hosts: Sequence[Host], terms: Terms) -> list[Step]:
    """One more instance of what loads the busiest replica, on the least busy one."""
    loads = dict.fromkeys((host.id for host in hosts), 0.0)
    for need in needs:
        holders = [h for h in hosts if need.name in h.instances]
        for host in holders:
            loads[host.id] += need.load / len(holders)
    for need in sorted(needs, key=lambda n: -n.load):
        holders = [h for h in hosts if need.name in h.instances]
        others = [
            h
            for h in hosts
            if h not in holders
            and (need.name, h.id) not in terms.blocked
            and loads[h.id] < FREE_RATIO * terms.target_in_flight
        ]
        at_work = any(not h.instances[need.name].ready for h in holders)
        busiest = max((loads[h.id] for h in holders), default=0.0)
        if at_work or need.load < 1 or busiest <= BUSY_RATIO * terms.target_in_flight:
            continue
        relief = _best(need, sorted(others, key=lambda h: loads[h.id]), terms)
        if relief is not None:
            why = f"{busiest:.1f} requests at the busiest replica that has it"
            return [Load(need.name, need.revision, relief.id, why)]
    return []
