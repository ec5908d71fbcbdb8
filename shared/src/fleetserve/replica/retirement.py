"""Models out of service: each is unloaded once nobody holds it."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

import structlog

from fleetserve.replica.models import HandleState, ModelHandle, ModelLoader

log = structlog.get_logger(__name__)

M = TypeVar("M")


class Retirement(Generic[M]):
    """Event loop only; unloading happens in the loader's thread."""

    def __init__(self, loader: ModelLoader[M], thread: ThreadPoolExecutor) -> None:
        self._loader = loader
        self._thread = thread
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
        unload = asyncio.create_task(self._unload(handle, handle.let_go()))
        self._unloads.add(unload)
        unload.add_done_callback(self._unloads.discard)
        return unload

    async def _unload(self, handle: ModelHandle[M], model: M) -> None:
        loop = asyncio.get_running_loop()
        try:
            await loop.run_in_executor(self._thread, self._loader.unload, handle.spec, model)
        except Exception:
            log.exception("model.unload_failed", name=handle.spec.name)
        finally:
            self.handles.remove(handle)
        log.info("model.unloaded", name=handle.spec.name, bytes=handle.bytes)
