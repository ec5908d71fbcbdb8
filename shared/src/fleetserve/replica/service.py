"""A replica service put together: slot, models, data plane, watchdog, announcement."""

import asyncio
import os
import signal
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from typing import Generic, TypeVar

import msgspec
import structlog
from fastapi import FastAPI

from fleetserve.announcements import Announcement, InstanceState, ModelInstance
from fleetserve.app import wrap_control
from fleetserve.garbage import settle
from fleetserve.replica.admission import Admission
from fleetserve.replica.busy_share import BusyShare
from fleetserve.replica.data_plane import DataPlane
from fleetserve.replica.exchange import Handler
from fleetserve.replica.model_table import model_table
from fleetserve.replica.models import HandleState, ModelHandle, ModelLoader
from fleetserve.replica.pins import Pins
from fleetserve.replica.pool import ModelPool
from fleetserve.replica.rest import Rest
from fleetserve.replica.slot import ComputeSlot
from fleetserve.replica.spool import Spool
from fleetserve.replica.watchdog import Watchdog
from fleetserve.request_log import RequestLog
from fleetserve.request_watch import RequestWatch
from fleetserve.runtime import ServiceRuntime

log = structlog.get_logger(__name__)

CLOSE_S = 10.0
# So much kept by models that were unloaded, and a new process is worth its start.
LOST_BYTES = 512 << 20

M = TypeVar("M")

_INSTANCE_STATES = {
    HandleState.LOADING: InstanceState.LOADING,
    HandleState.READY: InstanceState.READY,
    HandleState.FAILED: InstanceState.FAILED,
}


class Replica(Generic[M]):
    """What both replica services are made of; hooks itself into the runtime.

    Args:
        make_loader: Gets the slot, so that warming up computes where everything else does.
        preload: Models without which this replica is not ready.
        after_ready: Called in the loader's thread once this replica is ready, for what makes
            the first load quicker.
        versions: Of what runs the models, such as torch.
        end: Ends the process at once with a status; for a replica that can't go on.
        leave: Has the process drain and end, to be started anew.

    Attributes:
        started: Set when everything in ``preload`` serves.
    """

    def __init__(
        self,
        runtime: ServiceRuntime,
        make_loader: Callable[[ComputeSlot], ModelLoader[M]],
        *,
        preload: Sequence[str] = (),
        after_ready: Callable[[], None] | None = None,
        versions: Mapping[str, str] | None = None,
        end: Callable[[int], None] = os._exit,
        leave: Callable[[], None] = lambda: os.kill(os.getpid(), signal.SIGTERM),
    ) -> None:
        config = runtime.settings.config.inference
        self.runtime = runtime
        self.device = ""
        self.slot = ComputeSlot("device", runtime.clock)
        self.pool = ModelPool(
            make_loader(self.slot),
            clock=runtime.clock,
            budget_bytes=config.memory_mib << 20,
            on_lost=self._lost,
        )
        self.admission = Admission(config.max_queue, config.max_queue_mib << 20)
        self.watch = RequestWatch(runtime.clock)
        self.watchdog = Watchdog(
            self.slot,
            runtime.clock,
            stuck_s=config.stuck_s,
            on_stuck=self._refuse,
            end=self._end,
        )
        self._busy = BusyShare(self.slot, runtime.clock)
        self._preload = tuple(preload)
        self._after_ready = after_ready
        self._versions = dict(versions or {})
        self._end_process = end
        self._leave = leave
        self.started = asyncio.Event()
        self._waiting_for: str | None = "the model library is being loaded"
        self._plane: DataPlane | None = None
        runtime.serves_models = True
        runtime.describe = self._describe
        runtime.readiness.append(lambda: self._waiting_for)
        runtime.liveness.append(self.watchdog.reason)
        self.pins = Pins(runtime.redis, runtime.keys, self.pool, runtime.clock)
        rest = Rest(self.slot, runtime.clock, self.pool.in_loader_thread)
        runtime.background += [
            self._start, self.watchdog.run, self.pool.run, self.pins.run, rest.run
        ]  # fmt: skip
        runtime.on_shutdown.append(self._stop)
        runtime.tables.append(lambda: model_table(self.pool, runtime.clock))

    def data_plane(
        self,
        routes: Mapping[str, Handler],
        control: FastAPI,
        *,
        default_timeout_s: float,
        file_routes: Collection[str] = (),
    ) -> DataPlane:
        """The ASGI app to serve: these routes, and the control app for the rest.

        file_routes: Those of the routes whose handlers take a large body as a file.
        """
        runtime, settings = self.runtime, self.runtime.settings
        control.state.pool = self.pool
        control.state.pins = self.pins
        self._plane = DataPlane(
            routes,
            control=wrap_control(control),
            admission=self.admission,
            watch=self.watch,
            clock=runtime.clock,
            metrics=runtime.metrics,
            # Base64 in JSON is a third larger than the file that the limit is about.
            max_body_bytes=settings.config.server.max_file_mb * 1024 * 1024 * 4 // 3 + 65_536,
            default_timeout_s=default_timeout_s,
            verifier=runtime.verifier,
            request_log=RequestLog(
                runtime.sink, settings.service, settings.replica_id, runtime.clock
            ),
            spool=Spool(settings.cache_dir / "spool", settings.config.server.spool_above_kib << 10),
            file_routes=file_routes,
        )
        return self._plane

    async def _start(self) -> None:
        """Loads what this replica is not ready without; ends the process where it can't."""
        self.slot.start()
        try:
            self.device = await self.pool.prepare()
            for name in self._preload:
                self._waiting_for = f"{name} is being loaded"
                await self.pool.get(name)
        except Exception as exc:
            log.exception("replica.start_failed", reason=str(exc))
            self._end(1)
            return
        self._waiting_for = None
        self.started.set()
        settle()
        log.info("replica.ready", device=self.device, models=list(self._preload))
        await self.runtime.announcer().announce_now()
        if self._after_ready is not None:
            try:
                await self.pool.in_loader_thread(self._after_ready)
            except Exception:
                # The background would begin this anew, and only once is there a start.
                log.exception("replica.after_ready_failed")

    async def _stop(self) -> None:
        # A slot that is stuck, or a load that takes minutes, must not hold up the end.
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_S):
                await self.pool.close()
        self.slot.stop()

    def _refuse(self, reason: str) -> None:
        if self._plane is not None:
            self._plane.refuse(f"This replica is being replaced: {reason}.")

    def _lost(self, lost_bytes: int) -> None:
        self.runtime.metrics.gauges["lost_mb"] = round(lost_bytes / 2**20, 1)
        if lost_bytes >= LOST_BYTES and not self.runtime.draining:
            log.error("replica.replaced", reason="memory was not given back", lost=lost_bytes)
            self._leave()

    def _end(self, status: int) -> None:
        self.runtime.sink.flush()
        self._end_process(status)

    def _describe(self, base: Announcement) -> Announcement:
        """Asked for once a second, which is when the gauges are wanted too."""
        gauges = self.runtime.metrics.gauges
        gauges["queue_bytes"] = float(self.admission.bytes)
        gauges["models_mb"] = round(self.pool.used_bytes / 2**20, 1)
        gauges["queued"] = queued = self.slot.waiting()
        gauges["compute_utilization"] = self._busy.share()
        return msgspec.structs.replace(
            base,
            models=tuple(self._instances()),
            in_flight=self.admission.requests,
            capacity=self.admission.max_requests,
            queued=queued,
            device=self.device,
            progress=self.slot.progress,
            room_bytes=self.pool.room_bytes(),
            versions=self._versions,
        )

    def _instances(self) -> list[ModelInstance]:
        """What serves comes last: whoever keeps one word for each name keeps that one."""
        told = []
        for handle in self.pool.handles():
            if handle.state in _INSTANCE_STATES:
                serves = self.pool.get_ready(handle.spec.name) is handle
                told.append(_instance(handle, serves=serves))
        return sorted(told, key=lambda instance: instance.state is InstanceState.READY)


def _instance(handle: ModelHandle[M], *, serves: bool) -> ModelInstance:
    """A revision that waits to be published is still loading, for the fleet."""
    state = _INSTANCE_STATES[handle.state]
    if state is InstanceState.READY and not serves:
        state = InstanceState.LOADING
    return ModelInstance(
        name=handle.spec.name,
        revision=handle.spec.revision,
        state=state,
        bytes=handle.bytes,
        task=handle.spec.task,
        dtype=handle.dtype,
        last_used_s_ago=round(handle.idle_s(), 1),
        in_use=handle.refs,
        uses=handle.uses,
        tuning=handle.tuning,
    )
