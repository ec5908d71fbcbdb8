import os
from pathlib import Path

import pytest

from fleetserve.errors import DoesNotFitError
from fleetserve.jobs.ledger.base import Job, JobState, LedgerUnavailableError
from fleetserve.jobs.ledger.memory import MemoryLedger
from gateway.jobs.order import JobOrder
from gateway.jobs.storage import ORPHAN_AFTER_S, Storage, tidy_quietly
from gateway.jobs.work import read_work
from tests.unit.gateway.jobs.conftest import MIB, START_S, Office

HALF = b"x" * (MIB // 2)


def age(office: Office, job: Job, seconds: float) -> None:
    folder = office.files.body(read_work(job).folder).parent
    os.utime(folder, (START_S - seconds, START_S - seconds))


def test_oldest_results_go_when_room_is_wanted(office: Office) -> None:
    jobs = [office.take(HALF).job for _ in range(2)]
    age(office, jobs[0], 5)
    for _ in jobs:
        office.settle()
    office.storage.make_room(10)
    assert [info.job_id for info in office.files.folders()] == [jobs[1].id]


def test_what_is_not_finished_is_never_removed_for_room(office: Office) -> None:
    office.take(HALF)
    office.take(HALF)
    with pytest.raises(DoesNotFitError, match="1 MiB"):
        office.take(b"one more")
    assert len(office.files.folders()) == 2


def test_folder_without_a_record_goes_when_it_is_old(office: Office) -> None:
    name = office.files.create("job-lost")
    os.utime(office.files.body(name).parent, (START_S, START_S))
    office.storage.tidy()
    assert len(office.files.folders()) == 1
    office.clock.move(ORPHAN_AFTER_S + 1)
    office.storage.tidy()
    assert office.files.folders() == []


def test_end_that_nobody_was_told_of_is_handed_in_again(office: Office) -> None:
    job = office.take(order=JobOrder("", webhook_url="http://a.example/")).job
    office.storage.tidy()
    assert office.webhook_ledger.claim("w") is None
    office.settle(JobState.FAILED)
    office.storage.tidy()
    office.storage.tidy()
    claimed = office.webhook_ledger.claim("w")
    assert claimed is not None
    assert claimed[0].id == job.id
    assert office.webhook_ledger.claim("w2") is None


def test_tidying_waits_for_redis(office: Office, tmp_path: Path) -> None:
    class Away(MemoryLedger):
        def read(self, job_id: str) -> Job:
            raise LedgerUnavailableError("away")

    office.files.create("job-lost")
    storage = Storage(office.files, Away(office.clock), office.webhooks, MIB, office.clock)
    tidy_quietly(storage)
    assert len(office.files.folders()) == 1
