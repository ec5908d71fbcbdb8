"""Loads models onto replicas and takes them from all, at somebody's word."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

import structlog

from fleetserve.announcements import Announcement, InstanceState, ReplicaState
from fleetserve.clock import Clock
from fleetserve.errors import (
    DeadlineError,
    DoesNotFitError,
    FleetError,
    UnavailableError,
)
from fleetserve.manifest import Manifest
from fleetserve.model_records import canonical_name
from fleetserve.tasks import service_for_task
from model_registry_svc.fleet_calls.base import FleetCalls
from model_registry_svc.replicas import Holding, ReplicaBoard, ready_for, roomiest

log = structlog.get_logger(__name__)

AUTOSCALER = "autoscaler-svc"
LEAVE_S = 120.0
SWITCH_S = 30.0
LOOK_EVERY_S = 0.1


@dataclass(frozen=True, slots=True)
class Placement:
    """Where it was done; ``done`` is off while a load or a request is still at work.

    ``freed_bytes`` is what an unload gave back, as the replicas measured it.
    """

    replicas: tuple[str, ...]
    done: bool
    freed_bytes: int = 0


class Placing:
    """For the event loop.

    A load is asked of the replicas themselves, which make room at once; the autoscaler sees it
    and keeps it. Before an unload it has to forget the number of instances that somebody asked
    for, if somebody did; else it would load them again.

    Raises (from every method): UnavailableError: Redis is away, or nobody can do it now.
    """

    def __init__(self, board: ReplicaBoard, calls: FleetCalls, clock: Clock) -> None:
        self._board = board
        self._calls = calls
        self._clock = clock

    async def load(self, manifest: Manifest, *, wait: bool) -> Placement:
        """Has one replica load it, unless one has it.

        Raises:
            DoesNotFitError: it fits on none of them, and what would.
            UpstreamError, ConflictError, InvalidFieldError: it can't be loaded, and why.
        """
        ready = ready_for(await asyncio.to_thread(self._board.announcements), manifest.task)
        holders = [a for a in ready if _serves(a, manifest)]
        if holders:
            return Placement(tuple(a.replica_id for a in holders), done=True)
        refusals: list[FleetError] = []
        for replica in _in_order(ready, manifest):
            load = partial(self._calls.load, replica, manifest.name, manifest.revision, wait=wait)
            try:
                done = await asyncio.to_thread(load)
            except (UnavailableError, DoesNotFitError) as exc:
                refusals.append(exc)
                continue
            return Placement((replica.replica_id,), done)
        raise _refusal(refusals, service_for_task(manifest.task))

    async def unload(self, name: str, *, wait: bool) -> Placement:
        """Takes it from every replica; what is in flight is finished first.

        Raises: DeadlineError: with ``wait``, requests hold it for more than LEAVE_S.
        """
        holding = await self._holding(name)
        await self._forget(name)
        # Those that have taken it up meanwhile too.
        holders = {_key(h): h for h in (*holding, *await self._holding(name))}
        left, freed = await self._still_held(holders.values(), self._calls.unload)
        deadline_s = self._clock.monotonic_s() + LEAVE_S
        while left and wait:
            if self._clock.monotonic_s() > deadline_s:
                raise DeadlineError(
                    f"Requests still hold {name} on {', '.join(_names(left))}; it takes no new "
                    "ones, and leaves when they are done."
                )
            await self._clock.sleep(LOOK_EVERY_S)
            left, more = await self._still_held(left, self._calls.leaving)
            freed += more
        return Placement(tuple(_names(holders.values())), not left, freed)

    async def read_pins(self, task: str) -> None:
        """Has every replica know what is pinned now; one that is away reads it by itself."""
        announced = await asyncio.to_thread(self._board.announcements)
        for replica in ready_for(announced, task):
            try:
                await asyncio.to_thread(self._calls.read_pins, replica)
            except FleetError as exc:
                log.info("pins.not_read", by=replica.replica_id, reason=exc.detail)

    async def switched(self, name: str, revision: str) -> tuple[str, ...]:
        """The replicas that serve this revision, once none serves another one or SWITCH_S is over.

        The one that it was tried on serves it at once, the others load it beside the old one.
        """
        deadline_s = self._clock.monotonic_s() + SWITCH_S
        while True:
            serving = [h for h in await self._holding(name) if _is_ready(h)]
            new = [h for h in serving if h.instance.revision == revision]
            if len(new) == len(serving) or self._clock.monotonic_s() > deadline_s:
                return tuple(_names(new))
            await self._clock.sleep(LOOK_EVERY_S)

    async def _forget(self, name: str) -> None:
        for told in await asyncio.to_thread(self._board.announcements):
            if told.service != AUTOSCALER or told.state is not ReplicaState.READY:
                continue
            try:
                await asyncio.to_thread(self._calls.forget, told, name)
                return
            except UnavailableError as exc:
                log.warning("autoscaler.not_told", model=name, reason=exc.detail)

    async def _holding(self, name: str) -> list[Holding]:
        return await asyncio.to_thread(self._board.holding, name)

    async def _still_held(
        self, holders: Iterable[Holding], call: Callable[[Announcement, str, str], int | None]
    ) -> tuple[list[Holding], int]:
        """Those where requests go on holding it, and what the others gave back."""
        left, freed = [], 0
        for holding in holders:
            replica, told = holding.replica, holding.instance
            given = await asyncio.to_thread(call, replica, told.name, told.revision)
            if given is None:
                left.append(holding)
            else:
                freed += given
        return left, freed


def _serves(replica: Announcement, manifest: Manifest) -> bool:
    return any(
        (m.name, m.revision, m.state) == (manifest.name, manifest.revision, InstanceState.READY)
        for m in replica.models
    )


def _in_order(ready: list[Announcement], manifest: Manifest) -> list[Announcement]:
    """Who loads it already, then who has room, then who may have to make some."""
    wanted = canonical_name(manifest.name)
    loading = [a for a in ready if any(canonical_name(m.name) == wanted for m in a.models)]
    by_room = roomiest(ready, manifest.size_bytes)
    return list({a.replica_id: a for a in (*loading, *by_room, *roomiest(ready, 0))}.values())


def _refusal(refusals: list[FleetError], service: str) -> FleetError:
    """One word for all: it may fit in a moment, if it may on any of them."""
    if not refusals:
        return UnavailableError(
            f"No {service} replica is ready; one is started by the first request, or by POST "
            "/autoscaler/scale.",
            retry_after_s=5,
            code="no_replica",
        )
    passing = [r for r in refusals if isinstance(r, UnavailableError)]
    return (passing or refusals)[0]


def _key(holding: Holding) -> tuple[str, str, str]:
    return (holding.replica.replica_id, holding.instance.name, holding.instance.revision)


def _is_ready(holding: Holding) -> bool:
    return holding.instance.state is InstanceState.READY


def _names(holdings: Iterable[Holding]) -> list[str]:
    return sorted({h.replica.replica_id for h in holdings})
