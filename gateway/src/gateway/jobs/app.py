"""Composition root of the worker of jobs: ``python -m gateway.jobs``.

Celery wakes it; what there is to do, and for whom, the ledger says. The jobs run in threads of
this process and their requests on one event loop, so a kill leaves nothing behind but a lease
that runs out.
"""

from dataclasses import dataclass

import structlog
from msgspec.structs import replace

from fleetserve.announcements import Announcement, ReplicaState
from fleetserve.asgi import Scope
from fleetserve.jobs.ledger.base import Job
from fleetserve.jobs.ledger.redis import RedisLedger
from fleetserve.jobs.queue.memory import MemoryQueue
from fleetserve.jobs.runner import Runner
from fleetserve.jobs.worker_process import WorkerThreads
from fleetserve.redis_client import make_sync_redis
from fleetserve.runtime import ServiceRuntime, make_runtime
from fleetserve.settings import ServiceSettings
from gateway.data_path import MIB, DataPath
from gateway.data_routes import RouteTable, data_routes
from gateway.directory.redis import RedisDirectory
from gateway.forwarder import BACKGROUND
from gateway.jobs.batch_handler import BatchHandler
from gateway.jobs.fleet_link import FleetLink
from gateway.jobs.job_files import JobFiles
from gateway.jobs.replay import Replayer
from gateway.jobs.request_handler import RequestHandler
from gateway.jobs.storage import Storage, tidy_quietly
from gateway.jobs.webhook.courier import Courier, call_courier
from gateway.jobs.webhook.target import Targets
from gateway.jobs.work import BATCH_KIND, REQUEST_KIND, WEBHOOK_KIND, read_outcome, read_work
from gateway.jobs.work_loop import WorkLoop
from gateway.settings import job_keys, webhook_keys
from gateway.upstream.http11 import LazyPool

log = structlog.get_logger(__name__)

TIDY_EVERY_S = 60.0
WEBHOOKS_AT_ONCE = 8
# They are woken within the process; this finds what another one left.
LOOK_FOR_WEBHOOKS_S = 5.0


class _Open:
    """Who was let in when the job was taken in is let in."""

    async def admit_token(self, scope: Scope, token: str | None) -> None:
        """See TokenGate."""
        del scope, token


@dataclass(slots=True)
class JobsWorker:
    """The parts of the worker and its threads."""

    runtime: ServiceRuntime
    loop: WorkLoop
    runner: Runner
    couriers: Runner
    storage: Storage
    threads: WorkerThreads

    def start(self) -> None:
        self.runtime.describe = self._describe
        self.threads.start(self._work, self.runner.run, self.couriers.run, self._tidy, self._end)

    def stop(self) -> None:
        """Lets go of all jobs, so that another worker can take them at once."""
        self.threads.stopping.set()
        self.runner.stop()
        self.couriers.stop()
        self.loop.stop()
        self.loop.ended.wait(5.0)

    def _work(self) -> None:
        self.loop.run()

    def _tidy(self) -> None:
        while not self.threads.stopping.wait(TIDY_EVERY_S):
            tidy_quietly(self.storage)

    def _end(self) -> None:
        self.threads.stopping.wait()
        self.runner.stop()

    def _describe(self, base: Announcement) -> Announcement:
        """It serves no address, so nothing but its own threads makes it ready."""
        state = ReplicaState.READY if base.state is ReplicaState.STARTING else base.state
        return replace(base, state=state, in_flight=self.runner.active)


def build_worker(settings: ServiceSettings) -> JobsWorker:
    """Puts the real adapters together; connects to nothing yet."""
    config, runtime = settings.config.jobs, make_runtime(settings)
    client, loop, files = (
        make_sync_redis(settings.redis_url),
        WorkLoop(runtime),
        JobFiles(settings.jobs_dir),
    )
    ledger = RedisLedger(client, job_keys(settings), keep_s=config.keep_s)
    webhook_ledger = RedisLedger(client, webhook_keys(settings), keep_s=config.keep_s)
    targets = Targets(allow_private=config.allow_private_webhooks)
    couriers = Runner(
        webhook_ledger,
        {WEBHOOK_KIND: Courier(ledger, files, targets, runtime.clock)},
        owner=settings.replica_id,
        clock=runtime.clock,
        width=WEBHOOKS_AT_ONCE,
        look_every_s=LOOK_FOR_WEBHOOKS_S,
    )
    webhooks = MemoryQueue(webhook_ledger, couriers.wake)

    def ended(job: Job) -> None:
        outcome = read_outcome(job)
        files.keep_result_only(read_work(job).folder, outcome.file if outcome else "")
        call_courier(webhooks, job)

    link, replayer = _path_to_replicas(runtime)
    requests = RequestHandler(loop, link, replayer, files)
    batches = BatchHandler(loop, link, replayer, files, window=config.parallel_requests)
    runner = Runner(
        ledger,
        {REQUEST_KIND: requests, BATCH_KIND: batches},
        owner=settings.replica_id,
        clock=runtime.clock,
        width=config.parallel_jobs,
        on_settled=ended,
    )
    storage = Storage(files, ledger, webhooks, config.disk_mib * MIB, runtime.clock)
    return JobsWorker(runtime, loop, runner, couriers, storage, WorkerThreads())


def _path_to_replicas(runtime: ServiceRuntime) -> tuple[FleetLink, Replayer]:
    config, upstream = runtime.settings.config.jobs, LazyPool()
    path = DataPath(runtime, upstream)
    link = FleetLink(
        lambda: RedisDirectory(runtime.redis, runtime.keys, path.table, path.models, runtime.clock),
        [path.prober.run, path.demand.run],
        runtime.clock,
    )
    runtime.on_shutdown += [link.close, upstream.close]
    times = {"timeout_s": config.timeout_s, "audio_timeout_s": config.timeout_s}
    routes = RouteTable(data_routes(runtime.settings.config.server.model_copy(update=times)))
    forwarder = path.forwarder(path.carrier(), _Open(), priority=BACKGROUND, fetches=False)
    replayer = Replayer(
        forwarder,
        routes,
        runtime.clock,
        width=config.parallel_requests,
        timeout_s=config.timeout_s,
    )
    return link, replayer
