"""Celery's consumer as a part of our process: one thread, no children, our signals and logs."""

import signal
from collections.abc import Callable
from typing import Any

from celery import Celery, signals
from celery.app import trace
from celery.apps.worker import Worker
from celery.worker import state

from fleetserve_celery.queue import wake_task


class QuietWorker(Worker):  # type: ignore[misc]  # Celery ships no types
    """Leaves the process's signals and standard streams to us."""

    def on_before_init(self, quiet: bool = False, **_: Any) -> None:
        """As Celery's own, but for its warning about root, which only matters with pickles."""
        self.quiet = quiet
        trace.setup_worker_optimizations(self.app, self.hostname)

    def install_platform_tweaks(self, worker: Any) -> None:
        """Celery's own would print to stdout and take SIGHUP, SIGUSR1 and the rest."""


def run_consumer(
    app: Celery,
    *,
    on_wake: Callable[[], None],
    on_ready: Callable[[], None],
    on_stop: Callable[[], None],
) -> None:
    """Consumes until SIGTERM or SIGINT, reconnecting to Redis as often as it takes.

    Args:
        app: From make_celery, whose queue is consumed; the task that wakes us is added to it.
        on_wake: A job may be there; must return at once.
        on_ready: Once, when the first connection stands.
        on_stop: On the signal itself, so it may only set something.
    """

    def handle(*_: object) -> None:
        on_stop()
        state.should_stop = 0

    def ready(**_: object) -> None:
        on_ready()

    def leave_logging_alone(**_: object) -> None:
        return

    @app.task(name=wake_task(app.main), ignore_result=True)  # type: ignore[untyped-decorator]
    def wake(_job_id: str) -> None:
        on_wake()

    signals.worker_ready.connect(ready)
    signals.setup_logging.connect(leave_logging_alone)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, handle)
    worker = QuietWorker(
        app=app,
        queues=[app.main],
        pool="solo",
        concurrency=1,
        quiet=True,
        loglevel="WARNING",
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
    )
    worker.start()
