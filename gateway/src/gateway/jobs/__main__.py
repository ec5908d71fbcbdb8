"""``python -m gateway.jobs``: the worker of jobs."""

import fleetserve.quick_start  # noqa: F401 - structlog comes after it

# isort: split
import logging
import os
import sys

import structlog

from fleetserve.config_sources import SettingsError
from fleetserve.garbage import settle
from fleetserve.jobs.worker_process import write_ready
from fleetserve_celery.consumer import run_consumer
from fleetserve_celery.queue import make_celery
from gateway.jobs.app import build_worker
from gateway.settings import JOBS_QUEUE, load_worker_settings

log = structlog.get_logger(__name__)

# Where cores are short, those who wait for an answer come before what nobody waits for.
NICER = 10


def main() -> int:
    try:
        settings = load_worker_settings()
    except SettingsError as exc:
        sys.stderr.write(f"{exc}\n")
        return 2
    worker = build_worker(settings)
    logging.getLogger("celery").setLevel(logging.WARNING)
    # On Linux it is a thread's own, and passed on to those it starts.
    os.nice(NICER)
    worker.start()
    settle()
    log.info("worker.started", pid=os.getpid())
    try:
        run_consumer(
            make_celery(settings.redis_url, worker.runtime.keys, JOBS_QUEUE),
            on_wake=worker.runner.wake,
            on_ready=lambda: write_ready(settings),
            on_stop=worker.threads.stopping.set,
        )
    finally:
        worker.stop()
        log.info("worker.stopped")
        worker.runtime.sink.flush()
    return 1 if worker.threads.failed else 0


if __name__ == "__main__":
    sys.exit(main())
