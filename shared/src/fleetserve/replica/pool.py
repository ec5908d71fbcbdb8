"""The models of a replica: loaded once however many ask, unloaded when room is wanted."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

import structlog

from fleetserve.clock import Clock
from fleetserve.errors import (
    DoesNotFitError,
    FleetError,
    InternalError,
    NotFoundError,
    ShedError,
)
from fleetserve.replica.models import HandleState, ModelHandle, ModelLoader, ModelSpec
from fleetserve.replica.retirement import Retirement
from fleetserve.replica.room import Tenant, plan_room

log = structlog.get_logger(__name__)

M = TypeVar("M")
T = TypeVar("T")

RETRY_FAILED_S = 5.0
REFRESH_S = 2.0
_UNBOUNDED = 1 << 62


class ModelPool(Generic[M]):
    """Event loop only; loading and unloading happen in one thread of its own.

    Args:
        budget_bytes: Memory for all models together; 0: what the loader measures as free.
    """

    def __init__(self, loader: ModelLoader[M], *, clock: Clock, budget_bytes: int = 0) -> None:
        self._loader = loader
        self._clock = clock
        self._budget_bytes = budget_bytes
        self._ready: dict[str, ModelHandle[M]] = {}
        self._loading: dict[str, ModelHandle[M]] = {}
        self._failed: dict[str, ModelHandle[M]] = {}
        self._loads: dict[str, asyncio.Task[ModelHandle[M]]] = {}
        self._turn = asyncio.Lock()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="loader")
        self._retirement = Retirement(loader, self._thread)

    async def prepare(self) -> str:
        """Lets the loader make itself ready; the name of its device."""
        return await self.in_loader_thread(self._loader.prepare)

    def get_ready(self, name: str) -> ModelHandle[M] | None:
        """The hot path: the handle, if the model can serve at once."""
        return self._ready.get(name)

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
            self._raise_if_just_failed(spec)
            load = self._start(spec)
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
        self._raise_if_just_failed(spec)
        return self._start(spec)

    async def remove(self, name: str, revision: str | None = None) -> HandleState | None:
        """Takes a model (or only that revision of it) from service and unloads it.

        Returns: GONE; RETIRED while requests still hold it; None when there was none.
        """
        load = self._loads.get(name)
        if load is not None and revision in (None, self._loading[name].spec.revision):
            await asyncio.wait([load])
        self._failed.pop(name, None)
        ready = self._ready.get(name)
        if ready is not None and revision in (None, ready.spec.revision):
            await self._retire(ready)
            return ready.state
        held = [h for h in self._retirement.handles if h.spec.name == name]
        if any(revision in (None, handle.spec.revision) for handle in held):
            return HandleState.RETIRED
        return None

    def handles(self) -> list[ModelHandle[M]]:
        """Every model that is ready, loading, failed or not yet gone."""
        groups = (self._ready, self._loading, self._failed)
        return [*(h for group in groups for h in group.values()), *self._retirement.handles]

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
            failed = self._failed.get(name)
            tried = failed is not None and failed.spec.build == spec.build
            if spec.build != handle.spec.build and name not in self._loads and not tried:
                self._start(spec)

    async def run(self) -> None:
        """Refreshes until cancelled."""
        while True:
            await self._clock.sleep(REFRESH_S)
            await self.refresh()

    async def close(self) -> None:
        """Unloads everything; nobody asks or holds a model any more."""
        if self._loads:
            await asyncio.wait(list(self._loads.values()))
        for handle in list(self._ready.values()):
            await self._retire(handle)
        await self._retirement.finish()
        self._thread.shutdown(wait=False)

    def _raise_if_just_failed(self, spec: ModelSpec) -> None:
        failed = self._failed.get(spec.name)
        if failed is None or failed.failure is None or failed.spec.build != spec.build:
            return
        if self._clock.monotonic_s() - failed.failed_s < RETRY_FAILED_S:
            raise failed.failure

    def _start(self, spec: ModelSpec) -> "asyncio.Task[ModelHandle[M]]":
        handle = ModelHandle[M](spec, self._clock)
        self._loading[spec.name] = handle
        self._failed.pop(spec.name, None)
        load = asyncio.create_task(self._load(handle))
        self._loads[spec.name] = load
        # Everybody who waited may be gone when it fails.
        load.add_done_callback(lambda task: task.cancelled() or task.exception())
        return load

    async def _load(self, handle: ModelHandle[M]) -> ModelHandle[M]:
        spec = handle.spec
        try:
            async with self._turn:
                await self._make_room(handle)
                await self._load_in_thread(handle)
        except (DoesNotFitError, ShedError):
            raise  # Not the model's fault: it may fit the next time.
        except Exception as exc:
            log.exception("model.load_failed", name=spec.name, revision=spec.revision)
            error = _as_load_error(spec, exc)
            handle.became_failed(error)
            self._failed[spec.name] = handle
            raise error from exc
        finally:
            del self._loading[spec.name], self._loads[spec.name]
        old = self._ready.get(spec.name)
        self._ready[spec.name] = handle
        if old is not None:
            self._retire_soon(old)
        return handle

    async def _load_in_thread(self, handle: ModelHandle[M]) -> None:
        begin_s = self._clock.monotonic_s()
        loaded = await self.in_loader_thread(lambda: self._loader.load(handle.spec))
        handle.became_ready(loaded, self._clock.monotonic_s() - begin_s)
        log.info(
            "model.loaded",
            name=handle.spec.name,
            revision=handle.spec.revision,
            bytes=handle.bytes,
            seconds=round(handle.load_s, 3),
        )

    async def _make_room(self, handle: ModelHandle[M]) -> None:
        """Raises: DoesNotFitError, ShedError."""
        wanted = handle.spec.expected_bytes
        free = self._free_now()
        tenants = [
            Tenant(h.spec.name, h.bytes, h.last_used_s, movable=h.refs == 0 and not h.pinned)
            for h in self._ready.values()
        ]
        pinned = sum(h.bytes for h in self._ready.values() if h.pinned)
        plan = plan_room(tenants, free, wanted, pinned)
        if not plan.could_fit:
            room_mib = max(0, free + sum(t.bytes for t in tenants) - pinned) >> 20
            raise DoesNotFitError(
                f"{handle.spec.name} needs about {wanted >> 20} MiB; this replica could free "
                f"{room_mib} MiB at most. Use a smaller model or a replica with more memory."
            )
        if not plan.fits:
            raise ShedError(
                f"{handle.spec.name} needs about {wanted >> 20} MiB, and the models here are in "
                "use.",
                code="no_room",
            )
        for name in plan.unload:
            log.info("model.evicted", name=name, for_model=handle.spec.name, wanted=wanted)
            await self._retire(self._ready[name])

    def _free_now(self) -> int:
        """Bytes free for the model whose turn it is; no other is being loaded meanwhile."""
        if self._budget_bytes:
            held = [*self._ready.values(), *self._retirement.handles]
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

    async def in_loader_thread(self, function: Callable[[], T]) -> T:
        """Runs a function between loads; whoever wants a model waits for it."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, function)


def _as_load_error(spec: ModelSpec, exc: Exception) -> FleetError:
    if isinstance(exc, FleetError):
        return exc
    reason = f"{type(exc).__name__}: {exc}"
    return InternalError(
        f"{spec.name} could not be loaded: {reason[:500]}", code="model_load_failed"
    )
