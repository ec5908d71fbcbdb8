from pathlib import Path

import msgspec
import pytest

from fleetserve.clock import ManualClock
from fleetserve.jobs.leased_job import JobStoppedError, LeasedJob, StopReason
from fleetserve.jobs.ledger.base import Lease
from fleetserve.manifest import Manifest, publish_manifest
from model_registry_svc.deleter import Deleter
from model_registry_svc.jobs import new_deletion
from model_registry_svc.plan import DeleteResult
from model_registry_svc.records import RecordBook, ready_record

MANIFEST = Manifest("m", "local", "m", "rev", "tensor", (), 5, 0.0)


@pytest.fixture
def deleter(tmp_path: Path, records: RecordBook) -> Deleter:
    publish_manifest(tmp_path, MANIFEST)
    (tmp_path / "m" / "rev").mkdir()
    (tmp_path / "m" / "rev" / "w.bin").write_bytes(b"x" * 500)
    records.put(ready_record(MANIFEST))
    return Deleter(tmp_path, records)


def leased(clock: ManualClock) -> LeasedJob:
    job = new_deletion("m")
    return LeasedJob(job, Lease(job.id, "w", 1), clock)


def test_model_and_its_record_are_gone_and_the_bytes_counted(
    deleter: Deleter, tmp_path: Path, records: RecordBook, clock: ManualClock
) -> None:
    result = msgspec.json.decode(deleter.run(leased(clock)), type=DeleteResult)
    assert result.freed_bytes == 500
    assert not (tmp_path / "m").exists()
    assert list(tmp_path.glob(".trash/*")) == []
    assert records.find("m") is None


def test_deleting_again_frees_nothing(deleter: Deleter, clock: ManualClock) -> None:
    deleter.run(leased(clock))
    assert msgspec.json.decode(deleter.run(leased(clock)), type=DeleteResult).freed_bytes == 0


def test_lost_lease_deletes_nothing(deleter: Deleter, tmp_path: Path, clock: ManualClock) -> None:
    job = leased(clock)
    job.stop(StopReason.LOST)
    with pytest.raises(JobStoppedError):
        deleter.run(job)
    assert (tmp_path / "m" / "manifest.json").exists()
