"""What every worker process has: threads without which it is none, and a way to say it is ready."""

import os
import signal
from collections.abc import Callable
from threading import Event, Thread

import structlog

from fleetserve.settings import ServiceSettings

log = structlog.get_logger(__name__)


class WorkerThreads:
    """Runs the parts of a worker; if one of them dies the process ends, and is renewed.

    Attributes:
        stopping: Set by the signal handler, which may do nothing else.
        failed: One of the threads has died.
    """

    def __init__(self) -> None:
        self.stopping = Event()
        self.failed = False

    def start(self, *targets: Callable[[], None]) -> list[Thread]:
        """A thread for each."""
        threads = [
            Thread(target=self._guard, args=(target,), name=target.__name__, daemon=True)
            for target in targets
        ]
        for thread in threads:
            thread.start()
        return threads

    def _guard(self, target: Callable[[], None]) -> None:
        """A worker without one of its threads must not look alive: the supervisor renews it."""
        try:
            target()
        except Exception:
            log.exception("worker.thread_died", thread=target.__name__)
            self.failed = True
            os.kill(os.getpid(), signal.SIGTERM)


def write_ready(settings: ServiceSettings) -> None:
    """Tells the supervisor; a worker has no address to tell."""
    log.info("worker.ready")
    if settings.address_file is None:
        return
    draft = settings.address_file.with_suffix(".new")
    draft.write_text("ready\n")
    draft.replace(settings.address_file)
