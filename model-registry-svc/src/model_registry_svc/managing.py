"""What POST /models/manage does with a model."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum

from msgspec.structs import replace

from fleetserve.built_in import find_built_in
from fleetserve.errors import ConflictError, InvalidFieldError, ModelNotFoundError
from fleetserve.manifest import Manifest
from fleetserve.model_policies import ModelPolicy
from fleetserve.model_records import canonical_name
from model_registry_svc.downloads import Started, StartedStatus
from model_registry_svc.library import Library
from model_registry_svc.overview import BUILT_IN, manifest_of
from model_registry_svc.placing import Placement, Placing
from model_registry_svc.policies import PolicyBook
from model_registry_svc.records import RecordBook
from model_registry_svc.replicas import ReplicaBoard
from model_registry_svc.revisions import Revisions, not_ready
from model_registry_svc.tracking import Tracker

# The gateway gives up after 330 s.
DOWNLOAD_WAIT_S = 270.0


class ManageAction(StrEnum):
    LOAD = "load"
    UNLOAD = "unload"
    PIN = "pin"
    UNPIN = "unpin"
    UPDATE = "update"
    ROLLBACK = "rollback"
    RETRY_DOWNLOAD = "retry_download"
    OPTIMIZE = "optimize"


CHANGES_FILES = {ManageAction.UPDATE, ManageAction.ROLLBACK, ManageAction.RETRY_DOWNLOAD}


@dataclass(frozen=True, slots=True)
class ManageOrder:
    """What somebody wants.

    Attributes:
        action: None: only the keep_alive is set.
        sets_keep_alive: Whether ``keep_alive_s`` was given; None then goes back to the default.
        revision: For an update: another branch, tag or commit than before.
    """

    name: str
    action: ManageAction | None = None
    sets_keep_alive: bool = False
    keep_alive_s: float | None = None
    wait: bool = False
    revision: str | None = None


@dataclass(frozen=True, slots=True)
class Managed:
    """What became of it; ``done`` is off while it goes on."""

    name: str
    status: str
    message: str
    done: bool = True
    replicas: tuple[str, ...] = ()
    download_id: str | None = None
    freed_bytes: int | None = None


class Manager:
    """For the event loop."""

    def __init__(
        self,
        library: Library,
        records: RecordBook,
        policies: PolicyBook,
        board: ReplicaBoard,
        placing: Placing,
        revisions: Revisions,
        tracker: Tracker,
    ) -> None:
        self._library = library
        self._records = records
        self._policies = policies
        self._board = board
        self._placing = placing
        self._revisions = revisions
        self._tracker = tracker
        self._actions: dict[ManageAction, Callable[[ManageOrder], Awaitable[Managed]]] = {
            ManageAction.LOAD: self._load,
            ManageAction.UNLOAD: self._unload,
            ManageAction.PIN: self._pin,
            ManageAction.UNPIN: self._unpin,
            ManageAction.UPDATE: self._update,
            ManageAction.ROLLBACK: self._roll_back,
            ManageAction.RETRY_DOWNLOAD: self._retry,
        }

    async def manage(self, order: ManageOrder) -> Managed:
        """Does it, or begins it.

        Raises:
            ModelNotFoundError; InvalidFieldError: nothing is asked for; ConflictError: it is
            built in, pinned, not here yet, or there is nothing to do it with; DoesNotFitError,
            UnavailableError, UpstreamError: as the replicas and the source say.
        """
        if canonical_name(order.name) == BUILT_IN:
            return await self._built_in(order)
        if order.action in CHANGES_FILES and find_built_in(order.name) is not None:
            raise ConflictError(
                f"{order.name} comes with Fleetserve: its files change with its version only.",
                code="model_built_in",
            )
        if order.action is ManageAction.OPTIMIZE:
            raise InvalidFieldError("action", "optimize is answered by POST /server/optimize")
        if order.action is None:
            if not order.sets_keep_alive:
                allowed = ", ".join(ManageAction)
                raise InvalidFieldError("action", f"one of {allowed}, or a keep_alive, is wanted")
            manifest = await self._published(order.name)
            done = Managed(manifest.name, "recorded", f"keep_alive of {manifest.name} is set.")
        else:
            done = await self._actions[order.action](order)
        if order.sets_keep_alive:
            await self._change_policy(done.name, keep_alive_s=order.keep_alive_s)
        return done

    async def _load(self, order: ManageOrder) -> Managed:
        manifest = await self._published(order.name)
        placed = await self._placing.load(manifest, wait=order.wait)
        return _loaded(manifest.name, placed)

    async def _unload(self, order: ManageOrder) -> Managed:
        name = await self._any_name(order.name)
        if (await asyncio.to_thread(self._policies.find, name)).pinned:
            raise ConflictError(
                f"{name} is pinned, so it stays. action=unpin lets it go.", code="model_pinned"
            )
        placed = await self._placing.unload(name, wait=order.wait)
        where = ", ".join(placed.replicas)
        if not where:
            return Managed(name, "unloaded", f"{name} is loaded nowhere.")
        if not placed.done:
            message = f"{name} takes no new requests on {where}, and leaves after those in flight."
            return Managed(name, "unloading", message, False, placed.replicas)
        message, freed = f"{name} has left {where}.", placed.freed_bytes
        return Managed(name, "unloaded", message, True, placed.replicas, freed_bytes=freed)

    async def _pin(self, order: ManageOrder) -> Managed:
        """Loads it first: what can't be loaded can't be kept."""
        manifest = await self._published(order.name)
        placed = await self._placing.load(manifest, wait=order.wait)
        await self._change_policy(manifest.name, pinned=True)
        await self._placing.read_pins(manifest.task)
        message = f"{manifest.name} stays loaded until it is unpinned."
        return Managed(manifest.name, "pinned", message, placed.done, placed.replicas)

    async def _unpin(self, order: ManageOrder) -> Managed:
        manifest = await self._published(order.name)
        await self._change_policy(manifest.name, pinned=False)
        await self._placing.read_pins(manifest.task)
        return Managed(manifest.name, "unpinned", f"{manifest.name} may leave when it is unused.")

    async def _update(self, order: ManageOrder) -> Managed:
        started = await asyncio.to_thread(self._revisions.update, order.name, order.revision)
        name = started.request.name
        if started.status is StartedStatus.ALREADY_EXISTS:
            assert started.manifest is not None
            message = f"{name} is here in its newest revision, {started.manifest.revision}."
            return Managed(name, "up_to_date", message)
        doing = f"A newer revision of {name} is fetched and tried; this one serves meanwhile."
        return await self._switch(started, order, ("updating", doing), "updated")

    async def _roll_back(self, order: ManageOrder) -> Managed:
        started = await asyncio.to_thread(self._revisions.rollback, order.name)
        doing = (
            f"The revision before is tried; this one of {started.request.name} serves meanwhile."
        )
        return await self._switch(started, order, ("rolling_back", doing), "rolled_back")

    async def _switch(
        self, started: Started, order: ManageOrder, begun: tuple[str, str], done: str
    ) -> Managed:
        name, download_id = started.request.name, started.download_id
        if order.wait:
            view = await self._tracker.wait(download_id, DOWNLOAD_WAIT_S)
            if view.status.finished:
                replicas = await self._placing.switched(name, view.revision)
                message = f"{name} is served as {view.revision}; action=rollback goes back."
                return Managed(name, done, message, True, replicas, download_id)
        return Managed(name, begun[0], begun[1], False, (), download_id)

    async def _retry(self, order: ManageOrder) -> Managed:
        started = await asyncio.to_thread(self._revisions.retry, order.name)
        name, download_id = started.request.name, started.download_id
        if started.status is StartedStatus.ALREADY_EXISTS:
            return Managed(name, "completed", f"{name} is here.")
        if order.wait:
            view = await self._tracker.wait(download_id, DOWNLOAD_WAIT_S)
            if view.status.finished:
                return Managed(name, "completed", view.message, download_id=download_id)
        message = f"The download of {name} goes on from where it was."
        return Managed(name, "downloading", message, False, (), download_id)

    async def _built_in(self, order: ManageOrder) -> Managed:
        if order.action is not ManageAction.LOAD or order.sets_keep_alive:
            raise ConflictError(
                f"{BUILT_IN} is built in: it is on every replica, and stays.", code="model_built_in"
            )
        holding = await asyncio.to_thread(self._board.holding, BUILT_IN)
        return _loaded(BUILT_IN, Placement(tuple(h.replica.replica_id for h in holding), True))

    async def _published(self, name: str) -> Manifest:
        """Raises: ModelNotFoundError; ConflictError: it is not here yet."""
        built_in = find_built_in(name)
        if built_in is not None:
            return manifest_of(built_in)
        manifest = await asyncio.to_thread(self._library.find, name)
        if manifest is not None:
            return manifest
        record = await asyncio.to_thread(self._records.find, name)
        if record is None:
            raise ModelNotFoundError(name)
        raise not_ready(record)

    async def _any_name(self, name: str) -> str:
        """Also of a model whose files are gone while replicas still hold it."""
        manifest = await asyncio.to_thread(self._library.find, name)
        if manifest is not None:
            return manifest.name
        holding = await asyncio.to_thread(self._board.holding, name)
        if holding:
            return holding[0].instance.name
        return (await self._published(name)).name

    async def _change_policy(self, name: str, **changes: object) -> ModelPolicy:
        policy = await asyncio.to_thread(self._policies.find, name)
        changed = replace(policy, **changes)
        await asyncio.to_thread(self._policies.put, changed)
        return changed


def _loaded(name: str, placed: Placement) -> Managed:
    where = ", ".join(placed.replicas)
    if placed.done:
        return Managed(name, "loaded", f"{name} is loaded on {where}.", True, placed.replicas)
    message = f"{name} is being loaded on {where}; GET /models/managed shows when it is."
    return Managed(name, "loading", message, False, placed.replicas)
