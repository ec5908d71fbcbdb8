"""Models out of service: each is unloaded once nobody holds it."""

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

import structlog

from fleetserve.replica.loader_thread import LoaderThread
from fleetserve.replica.models import HandleState, ModelHandle

log = structlog.get_logger(__name__)

M = TypeVar("M")


# Smaller models drown in what else the process does meanwhile.
NOTABLE_BYTES = 32 << 20


class Retirement(Generic[M]):
    """Event loop only; unloading happens in the loader's thread.

    Args:
        on_lost: Told all that was not given back so far, when a model kept most of its memory.

    Attributes:
        freed_bytes: What each name@revision gave back last, measured.
    """

    def __init__(self, thread: LoaderThread[M], on_lost: Callable[[int], None]) -> None:
        self._thread = thread
        self._on_lost = on_lost
        self._lost_bytes = 0
        self.freed_bytes: dict[str, int] = {}
        self._unloads: set[asyncio.Task[None]] = set()
        self.handles: list[ModelHandle[M]] = []

    def enter(self, handle: ModelHandle[M]) -> "asyncio.Task[None] | None":
        """The task that unloads it, or None while somebody holds it: then it follows later."""
        handle.state = HandleState.RETIRED
        self.handles.append(handle)
        if handle.refs == 0:
            return self._start(handle)
        handle.when_idle = lambda: self._start_later(handle)
        return None

    async def finish(self) -> None:
        """Waits for what is being unloaded."""
        if self._unloads:
            await asyncio.wait(list(self._unloads))

    def _start_later(self, handle: ModelHandle[M]) -> None:
        self._start(handle)

    def _start(self, handle: ModelHandle[M]) -> "asyncio.Task[None]":
        handle.when_idle = None
        unload = asyncio.create_task(self._unload(handle, [handle.let_go()]))
        self._unloads.add(unload)
        unload.add_done_callback(self._unloads.discard)
        return unload

    async def _unload(self, handle: ModelHandle[M], last: list[M]) -> None:
        spec, freed = handle.spec, 0
        try:
            freed = await self._thread.unload(spec, last)
        except Exception:
            log.exception("model.unload_failed", name=spec.name)
        finally:
            self.handles.remove(handle)
        self.freed_bytes[f"{spec.name}@{spec.revision}"] = freed
        log.info("model.unloaded", name=spec.name, bytes=handle.bytes, freed_bytes=freed)
        owed = min(handle.bytes, handle.taken_bytes)
        if owed >= NOTABLE_BYTES and freed < owed // 2:
            self._lost_bytes += owed - freed
            log.warning("memory.kept", name=spec.name, lost_bytes=self._lost_bytes)
            self._on_lost(self._lost_bytes)
