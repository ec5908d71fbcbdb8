"""The thread in which models are loaded and unloaded, one at a time, and what that takes."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

import structlog

from fleetserve.clock import Clock
from fleetserve.errors import FleetError, InternalError
from fleetserve.replica.models import Loaded, ModelHandle, ModelLoader, ModelSpec

log = structlog.get_logger(__name__)

M = TypeVar("M")
T = TypeVar("T")


class LoaderThread(Generic[M]):
    """For the event loop."""

    def __init__(self, loader: ModelLoader[M], clock: Clock) -> None:
        self._loader = loader
        self._clock = clock
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="loader")

    async def run(self, function: Callable[[], T]) -> T:
        """Runs a function between loads; whoever wants a model waits for it."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, function)

    async def load(self, handle: ModelHandle[M]) -> None:
        """Makes the handle ready. Raises: what the loader raises."""
        begin_s = self._clock.monotonic_s()
        loaded, taken = await self.run(lambda: self._load(handle.spec))
        handle.became_ready(loaded, self._clock.monotonic_s() - begin_s)
        handle.taken_bytes = taken
        log.info(
            "model.loaded",
            name=handle.spec.name,
            revision=handle.spec.revision,
            bytes=handle.bytes,
            taken_bytes=taken,
            seconds=round(handle.load_s, 3),
        )

    async def unload(self, spec: ModelSpec, last: list[M]) -> int:
        """The bytes that were given back, measured.

        Args:
            spec: Of the model.
            last: Holds the last reference, which is taken out: what is still referred to is not
                freed.
        """
        return await self.run(lambda: self._unload(spec, last))

    def close(self) -> None:
        self._thread.shutdown(wait=False)

    def _load(self, spec: ModelSpec) -> tuple[Loaded[M], int]:
        before = self._loader.held_bytes()
        loaded = self._loader.load(spec)
        return loaded, self._loader.held_bytes() - before

    def _unload(self, spec: ModelSpec, last: list[M]) -> int:
        before = self._loader.held_bytes()
        self._loader.unload(spec, last.pop())
        return before - self._loader.held_bytes()


def as_load_error(spec: ModelSpec, exc: Exception) -> FleetError:
    """What those who waited for a load that failed are told."""
    if isinstance(exc, FleetError):
        return exc
    reason = f"{type(exc).__name__}: {exc}"
    return InternalError(
        f"{spec.name} could not be loaded: {reason[:500]}", code="model_load_failed"
    )
