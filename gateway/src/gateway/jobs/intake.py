"""Takes requests in as jobs: files on the volume, then the record, then the wake-up."""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

import msgspec
import orjson
from msgspec.structs import replace

from fleetserve.errors import ConflictError, InvalidFieldError
from fleetserve.jobs.ledger.base import Bounds, Job
from fleetserve.jobs.queue.base import JobQueue
from gateway.bodies import Body
from gateway.jobs.index.base import JobIndex
from gateway.jobs.job_files import JobFiles, room_on_disk
from gateway.jobs.order import JobOrder
from gateway.jobs.storage import Storage
from gateway.jobs.webhook.courier import WebhookOrder
from gateway.jobs.webhook.signature import WebhookSecrets
from gateway.jobs.webhook.target import Targets
from gateway.jobs.work import BATCH_KIND, REQUEST_KIND, Work, new_job_id, read_work

_PIECE = 1024 * 1024

WriteBody = Callable[[BinaryIO], None]


@dataclass(frozen=True, slots=True)
class Accepted:
    """A job that was taken in, or was there already.

    ``webhook_secret``: What the caller's webhooks are signed with; "": none were asked for.
    """

    job: Job
    webhook_secret: str


class JobIntake:
    """Blocking; safe from several threads."""

    def __init__(
        self,
        queue: JobQueue,
        index: JobIndex,
        files: JobFiles,
        storage: Storage,
        targets: Targets,
        secrets: WebhookSecrets,
        bounds: Bounds,
    ) -> None:
        self._queue = queue
        self._index = index
        self._files = files
        self._storage = storage
        self._targets = targets
        self._secrets = secrets
        self._bounds = bounds

    def take_request(self, order: JobOrder, work: Work, body: Body) -> Accepted:
        """Stores one request; its body's credential, if it has one, is left out.

        Raises: as ``take``; InvalidFieldError: the credential can't be left out.
        """
        content = _without_token(body, work) if order.has_token else body.view()
        return self.take(order, replace(work, size=len(content)), lambda file: _copy(content, file))

    def take(self, order: JobOrder, work: Work, write: WriteBody) -> Accepted:
        """Stores what ``write`` writes, and hands it to a worker.

        Raises: ConflictError: the idempotency key was used for something else.
            InvalidFieldError: the webhook's address. TooManyJobsError, DoesNotFitError: the
            bounds. LedgerUnavailableError: Redis is away, and nothing was taken in.
        """
        if order.webhook_url is not None:
            self._targets.find(order.webhook_url)
        self._storage.make_room(work.size)
        job_id = new_job_id(order.principal, order.idempotency_key)
        folder = self._files.create(job_id)
        try:
            with room_on_disk():
                digest = self._write(folder, work, write)
                secret = self._write_webhook(folder, order)
            made = replace(work, folder=folder, digest=digest, webhook=bool(secret))
            stored = self._hand_in(job_id, order, made)
        except BaseException:
            self._files.remove(folder)
            raise
        found = read_work(stored)
        if found.folder != folder:
            self._files.remove(folder)
            if found.digest != digest:
                raise ConflictError(
                    "This Idempotency-Key was used for another request; take a new one.",
                    code="idempotency_conflict",
                )
        return Accepted(stored, secret)

    def _write(self, folder: str, work: Work, write: WriteBody) -> str:
        path = self._files.body(folder)
        path.touch(mode=0o600)
        with path.open("wb") as file:
            write(file)
        return _digest(path, work)

    def _write_webhook(self, folder: str, order: JobOrder) -> str:
        if order.webhook_url is None:
            return ""
        secret = self._secrets.secret_of(order.principal)
        path = self._files.webhook(folder)
        path.touch(mode=0o600)
        path.write_bytes(msgspec.json.encode(WebhookOrder(order.webhook_url, secret)))
        return secret

    def _hand_in(self, job_id: str, order: JobOrder, work: Work) -> Job:
        # Listed first: what is listed without a record is forgotten again, the reverse is lost.
        self._index.add(order.principal, job_id)
        job = Job(
            id=job_id,
            kind=BATCH_KIND if work.lines else REQUEST_KIND,
            subject=job_id,
            request=msgspec.json.encode(work),
            principal=order.principal,
            priority=order.priority,
        )
        return self._queue.enqueue(job, self._bounds)


def _copy(content: bytes | memoryview, file: BinaryIO) -> None:
    view = memoryview(content)
    for begin in range(0, len(view), _PIECE):
        file.write(view[begin : begin + _PIECE])


def _digest(path: Path, work: Work) -> str:
    """Of everything that makes the answer what it is."""
    about = (
        work.route,
        work.query,
        work.headers,
        work.parameters,
        work.model if work.lines else "",
    )
    found = sha256(orjson.dumps(about, option=orjson.OPT_SORT_KEYS))
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            found.update(piece)
    return found.hexdigest()


def _without_token(body: Body, work: Work) -> bytes:
    kind = dict(work.headers).get("content-type", "")
    if not kind.startswith("application/json"):
        raise InvalidFieldError("token", "of a job it can't be in a form; send it as a header")
    fields = orjson.loads(body.view())
    del fields["token"]
    return orjson.dumps(fields)
