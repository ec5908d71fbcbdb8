"""Tells the ends of jobs: each a job of its own, so that no kill loses it."""

from collections.abc import Callable, Mapping, Sequence

import msgspec
import structlog

from fleetserve.clock import Clock
from fleetserve.errors import InvalidFieldError
from fleetserve.jobs.leased_job import LeasedJob
from fleetserve.jobs.ledger.base import Job, JobLedger, JobNotFoundError
from fleetserve.jobs.queue.base import JobQueue
from gateway.jobs.job_files import JobFiles
from gateway.jobs.view import view_of
from gateway.jobs.webhook.post import PostFailedError, post
from gateway.jobs.webhook.signature import signature
from gateway.jobs.webhook.target import Target, Targets
from gateway.jobs.work import WEBHOOK_KIND, read_work

log = structlog.get_logger(__name__)

# Between one try and the next: a receiver that is being renewed is reached, and one that is gone
# is given up after 12 minutes.
PAUSES_S = (1.0, 5.0, 30.0, 120.0, 600.0)
GONE = 410

Post = Callable[[Target, Mapping[str, str], bytes], int]


class WebhookOrder(msgspec.Struct, frozen=True):
    """What a caller wanted; the file ``webhook.json`` of a job."""

    url: str
    secret: str


_decode_order = msgspec.json.Decoder(WebhookOrder).decode


def call_courier(queue: JobQueue, job: Job) -> None:
    """Has the end of a finished job told, if somebody wants to be; asking twice tells it once.

    Raises: LedgerUnavailableError: Redis is away.
    """
    if read_work(job).webhook:
        queue.enqueue(Job(job.id, WEBHOOK_KIND, job.id, b"{}"))


class Courier:
    """The handler of webhooks. See fleetserve.jobs.runner.Handler.

    Args:
        ledger: Of the jobs that are told of, not of the webhooks.
    """

    def __init__(
        self,
        ledger: JobLedger,
        files: JobFiles,
        targets: Targets,
        clock: Clock,
        *,
        send: Post = post,
        pauses_s: Sequence[float] = PAUSES_S,
    ) -> None:
        self._ledger = ledger
        self._files = files
        self._targets = targets
        self._clock = clock
        self._send = send
        self._pauses_s = pauses_s

    def run(self, job: LeasedJob) -> bytes:
        """Tries until it is taken, refused for good, or was tried often enough."""
        try:
            told_of = self._ledger.read(job.job.id)
        except JobNotFoundError:
            return b"{}"
        order_file = self._files.webhook(read_work(told_of).folder)
        if not told_of.state.finished or not order_file.exists():
            return b"{}"
        order = _decode_order(order_file.read_bytes())
        told = self._tell(job, order, told_of)
        order_file.unlink(missing_ok=True)
        log.info("webhook.ended", job=told_of.id, delivered=told)
        return b"{}"

    def _tell(self, job: LeasedJob, order: WebhookOrder, told_of: Job) -> bool:
        """Whether it was taken. A worker that takes over goes on where the last one was."""
        tries = int(job.job.progress or b"0")
        while True:
            status = self._try(order, told_of)
            if status is not None and status < 300:
                return True
            if status == GONE or tries >= len(self._pauses_s):
                return False
            pause_s, tries = self._pauses_s[tries], tries + 1
            done = b"%d" % tries
            job.reporter = lambda done=done: done  # type: ignore[misc]
            job.pause(pause_s)

    def _try(self, order: WebhookOrder, told_of: Job) -> int | None:
        """The answer's status; None: there was none."""
        body = msgspec.json.encode(
            {
                "type": f"job.{told_of.state.value}",
                "timestamp": view_of(told_of)["finished_at"],
                "data": view_of(told_of),
            }
        )
        at = int(self._clock.now_s())
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "Fleetserve",
            "webhook-id": told_of.id,
            "webhook-timestamp": str(at),
            "webhook-signature": signature(order.secret, told_of.id, at, body),
        }
        try:
            # Looked up anew for each try, checked, and then connected to by what was found.
            return self._send(self._targets.find(order.url), headers, body)
        except (PostFailedError, InvalidFieldError) as exc:
            log.info("webhook.failed", job=told_of.id, reason=str(exc))
            return None
