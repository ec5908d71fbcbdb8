"""Celery on Redis: the record is in the ledger, the message only wakes a worker, by task name."""

from typing import Any

import structlog
from celery import Celery
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from fleetserve.jobs.ledger.base import Bounds, Job, JobLedger
from fleetserve.keys import Keys

log = structlog.get_logger(__name__)

PRODUCER_TIMEOUT_S = 0.5


def wake_task(name: str) -> str:
    """The task that wakes the workers of the queue of that name."""
    return f"{name}.wake"


def make_celery(redis_url: str, keys: Keys, name: str, *, timeout_s: float | None = None) -> Celery:
    """The Celery app of one queue of a fleet: JSON only, no results, no events, no gossip.

    Args:
        redis_url: The broker.
        keys: The fleet's.
        name: The queue, such as "registry"; one kind of worker consumes it.
        timeout_s: Bounds every socket operation; None for consumers, whose reads wait for work.
    """
    app = Celery(name, broker=redis_url, set_as_current=False)
    options: dict[str, Any] = {
        "global_keyprefix": keys.celery(""),
        # One list instead of four per queue: the messages are all alike.
        "priority_steps": [0],
        "socket_connect_timeout": PRODUCER_TIMEOUT_S,
        "max_retries": 0,
    }
    if timeout_s is not None:
        options["socket_timeout"] = timeout_s
    app.conf.update(
        task_default_queue=name,
        task_serializer="json",
        result_serializer="json",
        accept_content=["json"],
        task_ignore_result=True,
        task_publish_retry=False,
        task_acks_late=False,
        worker_prefetch_multiplier=1,
        worker_send_task_events=False,
        worker_enable_remote_control=False,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_connection_timeout=1.0,
        broker_transport_options=options,
    )
    return app


class CeleryQueue:
    """See JobQueue.

    A message that can't be sent costs a second, not the job: workers look at the ledger
    themselves as well.
    """

    def __init__(self, ledger: JobLedger, app: Celery) -> None:
        self._ledger = ledger
        self._app = app
        self._task = wake_task(app.main)

    def enqueue(self, job: Job, bounds: Bounds | None = None) -> Job:
        stored = self._ledger.insert(job, bounds)
        try:
            self._app.send_task(self._task, args=[stored.id], ignore_result=True, retry=False)
        except (OperationalError, RedisError, OSError) as exc:
            log.warning("job.unannounced", job=stored.id, error=str(exc))
        return stored

    def status(self, job_id: str) -> Job:
        return self._ledger.read(job_id)

    def result(self, job_id: str) -> bytes | None:
        job = self._ledger.read(job_id)
        return job.result if job.state.finished else None

    def cancel(self, job_id: str) -> Job:
        return self._ledger.cancel(job_id)
