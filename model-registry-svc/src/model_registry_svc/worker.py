"""The registry's worker: ``python -m model_registry_svc.worker``. Its composition root.

Celery wakes it; what there is to do, and for whom, the ledger says. The jobs run in threads of
this process, so a kill leaves nothing behind but a lease that runs out.
"""

import fleetserve.quick_start  # noqa: F401 - structlog comes after it

# isort: split
import logging
import os
import sys
from dataclasses import dataclass

import structlog

from fleetserve.clock import SystemClock
from fleetserve.config_sources import SettingsError
from fleetserve.garbage import settle
from fleetserve.jobs.ledger.redis import RedisLedger
from fleetserve.jobs.runner import Runner
from fleetserve.jobs.worker_process import WorkerThreads, write_ready
from fleetserve.keys import Keys
from fleetserve.logs import configure_logging
from fleetserve.redis_client import make_sync_redis
from fleetserve.tokens import TokenSigner
from fleetserve_celery.consumer import run_consumer
from fleetserve_celery.queue import make_celery
from model_registry_svc.deleter import Deleter
from model_registry_svc.disk import MIB
from model_registry_svc.downloader import Downloader, DownloadLimits
from model_registry_svc.fleet_calls.http import HttpFleetCalls
from model_registry_svc.jobs import DELETE_KIND, DOWNLOAD_KIND
from model_registry_svc.publisher import Publisher
from model_registry_svc.records import RecordBook
from model_registry_svc.replicas import ReplicaBoard
from model_registry_svc.settings import QUEUE, WORKER, RegistrySettings, load_settings
from model_registry_svc.sources import build_sources
from model_registry_svc.trial import Trial
from model_registry_svc.worker_presence import PERIOD_S, WorkerPresence, WorkerReport

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class WorkerProcess:
    """The parts of the worker and its threads."""

    settings: RegistrySettings
    runner: Runner
    downloader: Downloader
    presence: WorkerPresence
    threads: WorkerThreads

    def start(self) -> None:
        self.threads.start(self.runner.run, self._announce, self._let_go_on_stop)

    def stop(self) -> None:
        """Lets go of all jobs; another worker can take them at once."""
        self.threads.stopping.set()
        self.runner.stop()
        self.presence.withdraw(self.settings.service.replica_id)

    def _announce(self) -> None:
        while not self.threads.stopping.wait(PERIOD_S):
            report = WorkerReport(self.runner.active, self.downloader.bytes_per_s)
            self.presence.announce(self.settings.service.replica_id, report)

    def _let_go_on_stop(self) -> None:
        self.threads.stopping.wait()
        self.runner.stop()


def build_worker(settings: RegistrySettings) -> WorkerProcess:
    """Puts the real adapters together; connects to nothing yet."""
    clock, service = SystemClock(), settings.service
    client = make_sync_redis(service.redis_url)
    keys = Keys(service.key_prefix)
    records, board = RecordBook(client, keys), ReplicaBoard(client, keys)
    calls = HttpFleetCalls(TokenSigner(service.secrets_dir, WORKER, clock))
    models = service.config.models
    downloader = Downloader(
        service.models_dir,
        build_sources(settings, clock),
        records,
        Publisher(service.models_dir, Trial(board, calls)),
        DownloadLimits(models.min_free_mib * MIB, models.parallel_files),
        clock,
    )
    runner = Runner(
        RedisLedger(client, settings.job_keys),
        {DOWNLOAD_KIND: downloader, DELETE_KIND: Deleter(service.models_dir, records)},
        owner=service.replica_id,
        clock=clock,
        width=models.parallel_downloads,
    )
    presence = WorkerPresence(client, settings.job_keys)
    return WorkerProcess(settings, runner, downloader, presence, WorkerThreads())


def main() -> int:
    try:
        settings = load_settings(WORKER)
    except SettingsError as exc:
        sys.stderr.write(f"{exc}\n")
        return 2
    service = settings.service
    sink = configure_logging(service)
    for noisy in ("httpx2", "celery"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    service.models_dir.mkdir(parents=True, exist_ok=True)
    worker = build_worker(settings)
    worker.start()
    settle()
    log.info("worker.started", pid=os.getpid())
    try:
        run_consumer(
            make_celery(service.redis_url, Keys(service.key_prefix), QUEUE),
            on_wake=worker.runner.wake,
            on_ready=lambda: write_ready(service),
            on_stop=worker.threads.stopping.set,
        )
    finally:
        worker.stop()
        log.info("worker.stopped")
        sink.flush()
    return 1 if worker.threads.failed else 0


if __name__ == "__main__":
    sys.exit(main())
