"""Celery on Redis: the record is in the ledger, the message only wakes a worker, by task name."""

from typing import Any

import structlog
from celery import Celery
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from fleetserve.keys import Keys
from model_registry_svc.ledger.base import Job, JobLedger

log = structlog.get_logger(__name__)

WAKE_TASK = "model_registry_svc.wake"
QUEUE = "registry"
PRODUCER_TIMEOUT_S = 0.5


def make_celery(redis_url: str, keys: Keys, *, timeout_s: float | None = None) -> Celery:
    """The Celery app of one fleet's registry: JSON only, no results, no events, no gossip.

    ``timeout_s`` bounds every socket operation; None for consumers, whose reads wait for work.
    """
    app = Celery("model_registry_svc", broker=redis_url, set_as_current=False)
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
        task_default_queue=QUEUE,
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

    def enqueue(self, job: Job) -> Job:
        stored = self._ledger.insert(job)
        try:
            self._app.send_task(WAKE_TASK, args=[stored.id], ignore_result=True, retry=False)
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
