import errno
import os
import stat
from pathlib import Path

import pytest

from fleetserve.errors import DoesNotFitError
from gateway.jobs.job_files import JobFiles, room_on_disk


@pytest.fixture
def files(tmp_path: Path) -> JobFiles:
    return JobFiles(tmp_path / "jobs")


def test_nobody_else_on_the_machine_can_look_into_a_folder(files: JobFiles, tmp_path: Path) -> None:
    folder = files.create("job-1")
    for path in (tmp_path / "jobs", tmp_path / "jobs" / folder):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
    assert stat.S_IMODE(files.new_result(folder, 1).stat().st_mode) == 0o600


def test_every_claim_writes_a_result_of_its_own(files: JobFiles) -> None:
    folder = files.create("job-1")
    first = files.new_result(folder, 1)
    first.write_bytes(b"much")
    assert files.new_result(folder, 2) != first
    assert files.earlier_result(folder, 1) is None
    assert files.earlier_result(folder, 3) == first


def test_finished_job_keeps_its_result_alone(files: JobFiles) -> None:
    folder = files.create("job-1")
    files.body(folder).write_bytes(b"body")
    files.new_result(folder, 1).write_bytes(b"old")
    kept = files.new_result(folder, 2)
    kept.write_bytes(b"new")
    files.keep_result_only(folder, kept.name)
    assert [path.name for path in kept.parent.iterdir()] == ["result.2"]
    files.keep_result_only(folder, "")
    assert list(kept.parent.iterdir()) == []


def test_folders_are_listed_by_age_with_their_job_and_size(files: JobFiles, tmp_path: Path) -> None:
    assert files.folders() == []
    older, newer = files.create("job-1"), files.create("job-2")
    files.body(older).write_bytes(b"12345")
    os.utime(tmp_path / "jobs" / older, (1, 1))
    (tmp_path / "jobs" / "webhook.key").write_bytes(b"k")
    found = files.folders()
    assert [(f.name, f.job_id, f.bytes) for f in found] == [
        (older, "job-1", 5),
        (newer, "job-2", 0),
    ]
    assert files.used_bytes() == 5
    files.remove(older)
    files.remove(older)
    assert [f.name for f in files.folders()] == [newer]


def test_full_volume_is_told_as_such_and_other_faults_are_not() -> None:
    with pytest.raises(DoesNotFitError), room_on_disk():
        raise OSError(errno.ENOSPC, "full")
    with pytest.raises(PermissionError), room_on_disk():
        raise PermissionError(errno.EACCES, "no")
