from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from fleetserve.announcements import (
    Announcement,
    ModelInstance,
    ReplicaState,
    encode_announcement,
)
from fleetserve.clock import ManualClock
from fleetserve.jobs.leased_job import LeasedJob
from fleetserve.jobs.ledger.base import Job, JobState
from fleetserve.jobs.ledger.memory import MemoryLedger
from fleetserve.jobs.queue.memory import MemoryQueue
from fleetserve.jobs.runner import Handler, JobFailedError
from fleetserve.keys import Keys
from fleetserve.redis_client import make_sync_redis
from model_registry_svc.catalogue import Catalogue
from model_registry_svc.deleter import Deleter
from model_registry_svc.downloader import Downloader, DownloadLimits
from model_registry_svc.downloads import DownloadPolicy, Downloads
from model_registry_svc.fleet_calls.memory import MemoryFleetCalls
from model_registry_svc.jobs import DELETE_KIND, DOWNLOAD_KIND
from model_registry_svc.library import Library
from model_registry_svc.planner import Planner
from model_registry_svc.publisher import Publisher
from model_registry_svc.records import RecordBook
from model_registry_svc.replicas import ReplicaBoard
from model_registry_svc.revisions import Revisions
from model_registry_svc.source.base import ModelHints
from model_registry_svc.source.memory import MemorySource
from model_registry_svc.tracking import Tracker
from model_registry_svc.trial import Trial
from tests.redis_server import RedisServer


class FreeWatch:
    """Lets a transfer go on, and remembers how long it would have waited.

    Attributes:
        stop: Raised by the next check, once it is set.
    """

    def __init__(self) -> None:
        self.pauses: list[float] = []
        self.stop: Exception | None = None

    def check(self) -> None:
        if self.stop is not None:
            raise self.stop

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.check()


@pytest.fixture
def watch() -> FreeWatch:
    return FreeWatch()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(1_767_225_600.0)


@pytest.fixture
def keys() -> Keys:
    return Keys("test")


@pytest.fixture
def client(redis_server: RedisServer) -> Iterator[redis.Redis]:
    with make_sync_redis(redis_server.url) as client:
        yield client


@pytest.fixture
def records(client: redis.Redis, keys: Keys) -> RecordBook:
    return RecordBook(client, keys)


class Registry:
    """The registry's domain on memory adapters, a real Redis for records, and a worker's part.

    Attributes:
        free: Bytes that the volume is said to have free.
    """

    def __init__(
        self, folder: Path, records: RecordBook, board: ReplicaBoard, clock: ManualClock
    ) -> None:
        self.clock = clock
        self.records = records
        self.board = board
        self.free = 10**12
        self.models_dir = folder / "models"
        self.models_dir.mkdir()
        self.hub = MemorySource(
            {"org/m": {"config.json": b"{}", "model.safetensors": b"w" * 5000}},
            hints={"org/m": ModelHints(pipeline_tag="fill-mask")},
        )
        self.sources = {"huggingface": self.hub}
        self.ledger = MemoryLedger(clock)
        self.queue = MemoryQueue(self.ledger)
        self.library = Library(self.models_dir)
        self.catalogue = Catalogue()
        self.tracker = Tracker(self.queue, self.library, clock)
        self.calls = MemoryFleetCalls()

    @property
    def revisions(self) -> Revisions:
        return Revisions(self.downloads, self.library, self.records)

    @property
    def downloads(self) -> Downloads:
        return Downloads(
            Planner(self.sources),
            self.queue,
            self.records,
            self.library,
            self.board,
            self.catalogue,
            DownloadPolicy(allow_pickle=False, keep_free_bytes=0),
            free=lambda _: self.free,
        )

    def work(self) -> Job | None:
        """Does the oldest job as the worker would; the job, or None if there is none."""
        claimed = self.ledger.claim("w")
        if claimed is None:
            return None
        leased = LeasedJob(*claimed, self.clock)
        limits = DownloadLimits(0, 2)
        handlers: dict[str, Handler] = {
            DOWNLOAD_KIND: Downloader(
                self.models_dir,
                self.sources,
                self.records,
                Publisher(self.models_dir, Trial(self.board, self.calls)),
                limits,
                self.clock,
            ),
            DELETE_KIND: Deleter(self.models_dir, self.records),
        }
        try:
            result, state = handlers[leased.job.kind].run(leased), JobState.SUCCEEDED
        except JobFailedError as exc:
            result, state = exc.result, JobState.FAILED
        self.ledger.report(leased.lease, leased.reporter())
        self.ledger.settle(leased.lease, state, result)
        return self.ledger.read(leased.job.id)


@pytest.fixture
def board(client: redis.Redis, keys: Keys) -> ReplicaBoard:
    return ReplicaBoard(client, keys)


@pytest.fixture
def registry(
    tmp_path: Path, records: RecordBook, board: ReplicaBoard, clock: ManualClock
) -> Registry:
    return Registry(tmp_path, records, board, clock)


@pytest.fixture
def announce(client: redis.Redis, keys: Keys) -> Callable[..., None]:
    """Puts a replica onto the board."""

    def put(replica_id: str, *models: ModelInstance, **fields: Any) -> None:
        told = {
            "service": "inference-svc",
            "address": "http://127.0.0.1:1",
            "boot_id": "b",
            "state": ReplicaState.READY,
            **fields,
        }
        announcement = Announcement(replica_id=replica_id, models=models, **told)
        key = keys.announcement(announcement.service, replica_id)
        client.set(key, encode_announcement(announcement))

    return put
