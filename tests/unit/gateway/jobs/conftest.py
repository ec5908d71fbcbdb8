import shutil
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import pytest

from fleetserve.clock import ManualClock
from fleetserve.jobs.leased_job import LeasedJob
from fleetserve.jobs.ledger.base import Bounds, Job, JobState
from fleetserve.jobs.ledger.memory import MemoryLedger
from fleetserve.jobs.queue.memory import MemoryQueue
from gateway.bodies import Body
from gateway.jobs.desk import JobDesk
from gateway.jobs.index.memory import MemoryIndex
from gateway.jobs.intake import Accepted, JobIntake
from gateway.jobs.job_files import JobFiles
from gateway.jobs.order import JobOrder
from gateway.jobs.storage import Storage
from gateway.jobs.webhook.signature import WebhookSecrets
from gateway.jobs.webhook.target import Targets
from gateway.jobs.work import JSON, Work

START_S = 1_767_225_600.0
MIB = 1024 * 1024
PUBLIC = "93.184.216.34"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START_S)


@dataclass
class Office:
    """Jobs in this process: everything that the gateway and the worker share.

    Attributes:
        woken: How often a worker was woken.
    """

    clock: ManualClock
    ledger: MemoryLedger
    webhook_ledger: MemoryLedger
    index: MemoryIndex
    files: JobFiles
    storage: Storage
    intake: JobIntake
    desk: JobDesk
    webhooks: MemoryQueue
    woken: list[None] = field(default_factory=list)

    def take(
        self,
        content: bytes = b'{"model_name":"example","inputs":[1]}',
        order: JobOrder | None = None,
        work: Work | None = None,
    ) -> Accepted:
        """Takes in a request for /predict."""
        body = Body(content, None, len(content))
        return self.intake.take_request(order or JobOrder("user:ada"), work or predict_work(), body)

    def take_lines(self, content: bytes, lines: int, **fields: object) -> Accepted:
        """Takes in a batch."""
        work = Work("", "/predict", "example", "", len(content), lines=lines)
        order = JobOrder("user:ada", **fields)  # type: ignore[arg-type]
        return self.intake.take(
            order, work, lambda file: shutil.copyfileobj(BytesIO(content), file)
        )

    def claim(self, owner: str = "w1") -> LeasedJob:
        """The next job, in a worker's hands."""
        claimed = self.ledger.claim(owner)
        assert claimed is not None
        return LeasedJob(*claimed, self.clock)

    def settle(self, state: JobState = JobState.SUCCEEDED, result: bytes = b"") -> Job:
        """Does the next job, as a worker would."""
        leased = self.claim()
        assert self.ledger.settle(leased.lease, state, result)
        return self.ledger.read(leased.job.id)


def predict_work(query: str = "") -> Work:
    return Work("", "/predict", "example", "", 0, query=query, headers=[("content-type", JSON)])


def find_public(host: str, port: int) -> list[str]:
    """A name server that knows two names."""
    if host == "unknown.example":
        raise OSError("not known")
    return ["10.0.0.1"] if host == "inside.example" else [PUBLIC]


@pytest.fixture
def office(tmp_path: Path, clock: ManualClock) -> Office:
    ledger, webhook_ledger = MemoryLedger(clock), MemoryLedger(clock)
    woken: list[None] = []
    index, files = MemoryIndex(clock), JobFiles(tmp_path / "jobs")
    webhooks = MemoryQueue(webhook_ledger)
    storage = Storage(files, ledger, webhooks, MIB, clock)
    intake = JobIntake(
        MemoryQueue(ledger, lambda: woken.append(None)),
        index,
        files,
        storage,
        Targets(allow_private=False, resolve=find_public),
        WebhookSecrets(tmp_path / "jobs" / "webhook.key"),
        Bounds(in_all=5, of_one=3),
    )
    desk = JobDesk(ledger, index, files, webhooks, clock)
    return Office(
        clock, ledger, webhook_ledger, index, files, storage, intake, desk, webhooks, woken
    )


@pytest.fixture
def out() -> BytesIO:
    return BytesIO()
