"""The models of a replica: loaded once however many ask, unloaded when room is wanted.

A name has at most one revision that serves. Another one can be loaded beside it and waits,
staged, until it is published; then it takes over without a request noticing.
"""

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

import structlog

from fleetserve.clock import Clock
from fleetserve.errors import (
    ConflictError,
    DoesNotFitError,
    FleetError,
    NotFoundError,
    ShedError,
)
from fleetserve.replica.loader_thread import LoaderThread, as_load_error
from fleetserve.replica.models import HandleState, ModelHandle, ModelLoader, ModelSpec
from fleetserve.replica.retirement import Retirement
from fleetserve.replica.room import Tenant, who_leaves

log = structlog.get_logger(__name__)

M = TypeVar("M")
T = TypeVar("T")

RETRY_FAILED_S = 5.0
REFRESH_S = 2.0
# Who staged a revision publishes it in a moment, or has died over it.
STAGED_S = 60.0
_UNBOUNDED = 1 << 62


class ModelPool(Generic[M]):
    """Event loop only; loading and unloading happen in one thread of its own.

    Args:
        budget_bytes: Memory for all models together; 0: what the loader measures as free.
        on_lost: Told the bytes that unloaded models have kept so far, whenever one did.

    Attributes:
        pinned: Names of models that are not unloaded for others.
    """

    def __init__(
        self,
        loader: ModelLoader[M],
        *,
        clock: Clock,
        budget_bytes: int = 0,
        on_lost: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._loader = loader
        self._clock = clock
        self._budget_bytes = budget_bytes
        self.pinned: frozenset[str] = frozenset()
        self._ready: dict[str, ModelHandle[M]] = {}
        self._staged: dict[str, ModelHandle[M]] = {}
        # These by name, and by name@revision while it is loaded to be staged.
        self._loading: dict[str, ModelHandle[M]] = {}
        self._failed: dict[str, ModelHandle[M]] = {}
        self._loads: dict[str, asyncio.Task[ModelHandle[M]]] = {}
        self._turn = asyncio.Lock()
        self._thread = LoaderThread(loader, clock)
        self._retirement = Retirement(self._thread, on_lost)

    async def prepare(self) -> str:
        """Lets the loader make itself ready; the name of its device."""
        return await self._thread.run(self._loader.prepare)

    async def in_loader_thread(self, function: Callable[[], T]) -> T:
        """See LoaderThread.run."""
        return await self._thread.run(function)

    def get_ready(self, name: str) -> ModelHandle[M] | None:
        """The hot path: the handle, if the model can serve at once."""
        return self._ready.get(name)

    def find(self, name: str) -> ModelSpec:
        """What serves under this name, or would be loaded. Raises: as the loader's find."""
        ready = self._ready.get(name)
        return self._loader.find(name) if ready is None else ready.spec

    async def get(self, name: str) -> ModelHandle[M]:
        """The model's handle, loaded if it has to be; all who ask wait for one load.

        Raises:
            ModelNotFoundError: nothing is published under this name.
            DoesNotFitError: it is larger than this replica could ever free.
            ShedError: it would fit if what is in use were not.
            InternalError: it could not be loaded (code model_load_failed), and why. It is
                tried again when somebody asks RETRY_FAILED_S later.
        """
        ready = self._ready.get(name)
        if ready is not None:
            return ready
        load = self._loads.get(name)
        if load is None:
            spec = self._loader.find(name)
            if self._take_over(spec):
                return self._ready[name]
            self._raise_if_just_failed(name, spec)
            load = self._start(name, spec)
        return await asyncio.shield(load)

    async def put(self, name: str, revision: str) -> ModelHandle[M]:
        """Makes this revision, tuned as is wanted now, the one that serves.

        Another one serves until it is ready.

        Raises: as get(); NotFoundError: this revision is not the published one.
        """
        while (load := self.put_soon(name, revision)) is not None:
            await asyncio.shield(load)
        return self._ready[name]

    def put_soon(self, name: str, revision: str) -> "asyncio.Task[ModelHandle[M]] | None":
        """Starts what put() waits for; None: this revision serves already.

        Raises: ModelNotFoundError, NotFoundError: as put(); what a load that failed a moment
        ago raised.
        """
        load = self._loads.get(name)
        ready = self._ready.get(name)
        if load is not None:
            return load
        spec = self._loader.find(name)
        if ready is not None and ready.spec.build == spec.build and spec.revision == revision:
            return None
        if spec.revision != revision:
            raise NotFoundError(
                f"{name} is published as {spec.revision}, not as {revision}.",
                code="revision_not_found",
            )
        if self._take_over(spec):
            return None
        self._raise_if_just_failed(name, spec)
        return self._start(name, spec)

    def stage_soon(self, name: str, revision: str) -> bool:
        """Loads a revision that is not published yet beside the one that serves.

        Returns: Whether it is loaded; asked again, it tells how far it is.

        Raises: NotFoundError: there is no such revision; what its load that failed a moment ago
        raised.
        """
        for handles in (self._ready, self._staged):
            if name in handles and handles[name].spec.revision == revision:
                return True
        key = f"{name}@{revision}"
        if key not in self._loads:
            spec = self._loader.find(name, revision)
            self._raise_if_just_failed(key, spec)
            self._start(key, spec)
        return False

    async def remove(
        self, name: str, revision: str | None = None, *, idle_s: float | None = None
    ) -> HandleState | None:
        """Takes a model (or only that revision of it) from service and unloads it.

        Args:
            name: Of the model.
            revision: None: whatever revision there is.
            idle_s: Only if it is not pinned and nobody has used it for so long.

        Returns: GONE; RETIRED while requests still hold it; None when there was none.

        Raises: ConflictError: it is pinned or was used, and ``idle_s`` was given.
        """
        for key in (name, f"{name}@{revision}"):
            load = self._loads.get(key)
            if load is not None and revision in (None, self._loading[key].spec.revision):
                await asyncio.wait([load])
            self._failed.pop(key, None)
        for handles in (self._staged, self._ready):
            handle = handles.get(name)
            if handle is not None and revision in (None, handle.spec.revision):
                self._raise_if_wanted(handle, idle_s)
                del handles[name]
                await self._retire(handle)
                return handle.state
        held = [h for h in self._retirement.handles if h.spec.name == name]
        if any(revision in (None, handle.spec.revision) for handle in held):
            return HandleState.RETIRED
        return None

    def handles(self) -> list[ModelHandle[M]]:
        """Every model that is ready, loading, failed or not yet gone."""
        groups = (self._ready, self._staged, self._loading, self._failed)
        return [*(h for group in groups for h in group.values()), *self._retirement.handles]

    def is_leaving(self, name: str, revision: str) -> bool:
        """Whether requests still hold that revision after it was taken from service."""
        leaving = [handle.spec for handle in self._retirement.handles]
        return any((spec.name, spec.revision) == (name, revision) for spec in leaving)

    def freed_bytes(self, name: str, revision: str) -> int:
        """What that revision gave back when it was unloaded last, measured."""
        return self._retirement.freed_bytes.get(f"{name}@{revision}", 0)

    @property
    def used_bytes(self) -> int:
        return sum(handle.bytes for handle in self.handles())

    def room_bytes(self) -> int:
        """Bytes free for one more model without unloading any; negative: not known."""
        if self._budget_bytes:
            return max(0, self._budget_bytes - self.used_bytes)
        free = self._loader.free_bytes()
        # What is still being loaded is not yet seen in what is measured.
        return free if free < 0 else max(0, free - sum(h.bytes for h in self._loading.values()))

    async def refresh(self) -> None:
        """Follows the manifests.

        One that is gone retires its model; a new revision, or another tuning of it, is loaded
        beside the old one and takes over.
        """
        for handle in list(self._ready.values()):
            name = handle.spec.name
            try:
                spec = self._loader.find(name)
            except FleetError as exc:
                log.info("model.withdrawn", name=name, reason=exc.detail)
                await self._retire(handle)
                continue
            if spec.build == handle.spec.build or self._take_over(spec):
                continue
            failed = self._failed.get(name)
            tried = failed is not None and failed.spec.build == spec.build
            if name not in self._loads and not tried:
                self._start(name, spec)
        for name, staged in list(self._staged.items()):
            if staged.idle_s() >= STAGED_S:
                log.info("model.staged_in_vain", name=name, revision=staged.spec.revision)
                del self._staged[name]
                await self._retire(staged)

    async def run(self) -> None:
        """Refreshes until cancelled."""
        while True:
            await self._clock.sleep(REFRESH_S)
            await self.refresh()

    async def close(self) -> None:
        """Unloads everything; nobody asks or holds a model any more."""
        if self._loads:
            await asyncio.wait(list(self._loads.values()))
        for handle in [*self._ready.values(), *self._staged.values()]:
            await self._retire(handle)
        self._staged.clear()
        await self._retirement.finish()
        self._thread.close()

    def is_pinned(self, handle: ModelHandle[M]) -> bool:
        return handle.spec.pinned or handle.spec.name in self.pinned

    def _raise_if_wanted(self, handle: ModelHandle[M], idle_s: float | None) -> None:
        if idle_s is None:
            return
        name = handle.spec.name
        if self.is_pinned(handle):
            raise ConflictError(f"{name} is pinned.", code="model_pinned")
        if handle.refs or handle.idle_s() < idle_s:
            raise ConflictError(f"{name} has been used meanwhile.", code="model_in_use")

    def _take_over(self, spec: ModelSpec) -> bool:
        """Lets a staged revision serve that is now the published one."""
        staged = self._staged.get(spec.name)
        if staged is None or staged.spec.revision != spec.revision:
            return False
        del self._staged[spec.name]
        self._serve(staged)
        return True

    def _serve(self, handle: ModelHandle[M]) -> None:
        old = self._ready.get(handle.spec.name)
        self._ready[handle.spec.name] = handle
        if old is not None:
            self._retire_soon(old)

    def _raise_if_just_failed(self, key: str, spec: ModelSpec) -> None:
        failed = self._failed.get(key)
        if failed is None or failed.failure is None or failed.spec.build != spec.build:
            return
        if self._clock.monotonic_s() - failed.failed_s < RETRY_FAILED_S:
            raise failed.failure

    def _start(self, key: str, spec: ModelSpec) -> "asyncio.Task[ModelHandle[M]]":
        """Loads it to serve (the key is its name) or to be staged (name@revision)."""
        handle = ModelHandle[M](spec, self._clock)
        self._loading[key] = handle
        self._failed.pop(key, None)
        load = asyncio.create_task(self._load(key, handle))
        self._loads[key] = load
        # Everybody who waited may be gone when it fails.
        load.add_done_callback(lambda task: task.cancelled() or task.exception())
        return load

    async def _load(self, key: str, handle: ModelHandle[M]) -> ModelHandle[M]:
        spec, to_serve = handle.spec, key == handle.spec.name
        try:
            async with self._turn:
                await self._make_room(handle, beside=not to_serve)
                await self._thread.load(handle)
        except (DoesNotFitError, ShedError) as exc:
            # Not the model's fault: it may fit the next time. Who has it staged asks how it is.
            if not to_serve:
                self._note_failed(key, handle, exc)
            raise
        except Exception as exc:
            log.exception("model.load_failed", name=spec.name, revision=spec.revision)
            error = as_load_error(spec, exc)
            self._note_failed(key, handle, error)
            raise error from exc
        finally:
            del self._loading[key], self._loads[key]
        if to_serve:
            self._serve(handle)
        else:
            self._staged[spec.name] = handle
        return handle

    def _note_failed(self, key: str, handle: ModelHandle[M], error: FleetError) -> None:
        handle.became_failed(error)
        self._failed[key] = handle

    async def _make_room(self, handle: ModelHandle[M], *, beside: bool) -> None:
        """``beside``: the revision that serves must stay. Raises: DoesNotFitError, ShedError."""
        await self._retirement.finish()
        staying = {h.spec.name for h in self._ready.values() if self.is_pinned(h)}
        staying |= {handle.spec.name} if beside else set()
        tenants = [
            Tenant(n, h.bytes, h.last_used_s, busy=h.refs > 0, stays=n in staying)
            for n, h in self._ready.items()
        ]
        # What is leaving makes room by itself, once its last request is answered.
        tenants += [Tenant("", h.bytes, 0.0, busy=True) for h in self._retirement.handles]
        wanted = handle.spec.expected_bytes
        for name in who_leaves(handle.spec.name, wanted, tenants, self._free_now()):
            log.info("model.evicted", name=name, for_model=handle.spec.name, wanted=wanted)
            await self._retire(self._ready[name])

    def _free_now(self) -> int:
        """Bytes free for the model whose turn it is; no other is being loaded meanwhile."""
        if self._budget_bytes:
            held = [*self._ready.values(), *self._staged.values(), *self._retirement.handles]
            return self._budget_bytes - sum(h.bytes for h in held)
        free = self._loader.free_bytes()
        return _UNBOUNDED if free < 0 else free

    async def _retire(self, handle: ModelHandle[M]) -> None:
        """Out of service now; unloaded before this returns if nobody holds it."""
        unload = self._retire_soon(handle)
        if unload is not None:
            await asyncio.wait([unload])

    def _retire_soon(self, handle: ModelHandle[M]) -> "asyncio.Task[None] | None":
        if self._ready.get(handle.spec.name) is handle:
            del self._ready[handle.spec.name]
        return self._retirement.enter(handle)
