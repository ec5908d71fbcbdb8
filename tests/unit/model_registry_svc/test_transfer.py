import hashlib
from pathlib import Path

import pytest
from msgspec.structs import replace

from fleetserve.jobs.leased_job import JobStoppedError, StopReason
from model_registry_svc.backoff import Backoff
from model_registry_svc.partial import PartialFile
from model_registry_svc.source.base import (
    Artifact,
    ArtifactChangedError,
    ArtifactStream,
    InterruptedTransferError,
    SourceRef,
)
from model_registry_svc.source.memory import MemorySource
from model_registry_svc.transfer import CorruptTransferError, Transfer
from tests.unit.model_registry_svc.conftest import FreeWatch

CONTENT = bytes(range(256)) * 40


class LyingSource(MemorySource):
    """Announces another size, or ignores the offset it is asked for."""

    total_delta = 0
    ignores_offset = False

    def open(self, artifact: Artifact, offset: int) -> ArtifactStream:
        stream = super().open(artifact, 0 if self.ignores_offset else offset)
        stream.total = len(CONTENT) + self.total_delta
        return stream


class Case:
    """A transfer's parts, with what it told."""

    def __init__(self, folder: Path, source: MemorySource, watch: FreeWatch) -> None:
        self.source = source
        self.watch = watch
        (self.artifact,) = source.resolve(SourceRef("m")).artifacts
        self.folder = folder
        self.target = folder / "rev" / "f.bin"
        self.counts: list[int] = []
        self.troubles: list[str] = []

    @property
    def partial(self) -> PartialFile:
        return PartialFile(self.folder / "parts", self.artifact)

    def run(self, max_failures: int = 5) -> str:
        transfer = Transfer(
            self.source,
            self.artifact,
            self.partial,
            watch=self.watch,
            backoff=Backoff(lambda: 0.5, max_failures),
            on_bytes=self.counts.append,
            on_trouble=self.troubles.append,
        )
        return transfer.run(self.target).sha256


@pytest.fixture
def case(tmp_path: Path, watch: FreeWatch) -> Case:
    return Case(tmp_path, MemorySource({"m": {"f.bin": CONTENT}}), watch)


@pytest.fixture
def lying(tmp_path: Path, watch: FreeWatch) -> Case:
    return Case(tmp_path, LyingSource({"m": {"f.bin": CONTENT}}), watch)


def test_whole_file_is_checked_and_put_in_its_place(case: Case) -> None:
    assert case.run() == hashlib.sha256(CONTENT).hexdigest()
    assert case.target.read_bytes() == CONTENT
    assert case.counts == sorted(case.counts)
    assert case.counts[-1] == len(CONTENT)
    assert case.partial.size() == 0


def test_cuts_are_resumed_without_fetching_a_byte_twice(case: Case) -> None:
    case.source.cuts = [3000, 2000]
    case.run()
    assert case.source.opened == [("f.bin", 0), ("f.bin", 3000), ("f.bin", 5000)]
    assert case.target.read_bytes() == CONTENT
    assert case.watch.pauses == [0.25, 0.25]
    assert case.troubles == ["The transfer broke. Trying again in 0 s.", ""] * 2


def test_what_another_owner_left_is_taken_up(case: Case) -> None:
    case.partial.path.parent.mkdir(parents=True)
    case.partial.path.write_bytes(CONTENT[:4000])
    case.run()
    assert case.source.opened == [("f.bin", 4000)]
    assert case.counts[0] == 4000


def test_file_that_came_whole_before_is_not_asked_for_again(case: Case) -> None:
    case.partial.path.parent.mkdir(parents=True)
    case.partial.path.write_bytes(CONTENT)
    case.run()
    assert case.source.opened == []
    assert case.target.read_bytes() == CONTENT


def test_remains_of_wrong_content_are_fetched_anew(case: Case) -> None:
    case.partial.path.parent.mkdir(parents=True)
    case.partial.path.write_bytes(b"x" * 4000)
    case.run()
    assert case.source.opened == [("f.bin", 4000), ("f.bin", 0)]
    assert case.target.read_bytes() == CONTENT


def test_remains_longer_than_the_file_are_dropped(case: Case) -> None:
    case.partial.path.parent.mkdir(parents=True)
    case.partial.path.write_bytes(CONTENT + b"more")
    case.run()
    assert case.target.read_bytes() == CONTENT


def test_remains_that_nothing_can_check_are_dropped(case: Case) -> None:
    case.artifact = replace(case.artifact, sha256=None)
    case.partial.path.parent.mkdir(parents=True)
    case.partial.path.write_bytes(CONTENT[:4000])
    with pytest.raises(ArtifactChangedError):
        # The memory source knows versions by their digest, which this artifact lacks.
        case.run()
    assert case.source.opened == [("f.bin", 0)]


def test_content_that_is_wrong_twice_is_given_up(case: Case) -> None:
    case.artifact = replace(case.artifact, sha256="ab" * 32)
    case.source.repos["m"]["f.bin"] = CONTENT

    class Unchecked(MemorySource):
        def open(self, artifact: Artifact, offset: int) -> ArtifactStream:
            right = hashlib.sha256(CONTENT).hexdigest()
            return super().open(replace(artifact, sha256=right), offset)

    case.source = Unchecked(case.source.repos)
    with pytest.raises(CorruptTransferError, match="sha256"):
        case.run()
    assert case.source.opened == [("f.bin", 0), ("f.bin", 0)]
    assert not case.target.exists()
    assert case.partial.size() == 0


def test_transfer_that_breaks_without_a_byte_is_given_up(case: Case) -> None:
    case.source.cuts = [0] * 9
    with pytest.raises(InterruptedTransferError):
        case.run(max_failures=4)
    assert case.watch.pauses == [0.25, 0.5, 1.0]


def test_server_that_announces_another_length_is_not_believed(lying: Case) -> None:
    assert isinstance(lying.source, LyingSource)
    lying.source.total_delta = 7
    with pytest.raises(InterruptedTransferError, match="announces 10247 bytes instead of 10240"):
        lying.run(max_failures=2)
    assert not lying.target.exists()


def test_server_that_ignores_the_offset_is_read_from_the_beginning(lying: Case) -> None:
    assert isinstance(lying.source, LyingSource)
    lying.source.ignores_offset = True
    lying.source.cuts = [3000]
    lying.run()
    assert lying.target.read_bytes() == CONTENT


def test_changed_artifact_is_told_and_what_a_digest_can_check_is_kept(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    case.source.cuts = [3000]

    def change(_: float) -> None:
        case.source.repos["m"]["f.bin"] = b"new"

    monkeypatch.setattr(case.watch, "pause", change)
    with pytest.raises(ArtifactChangedError):
        case.run()
    assert case.partial.size() == 3000
    assert case.partial.validator() is None


def test_lost_lease_stops_before_the_next_write(case: Case) -> None:
    def stop_at(count: int) -> None:
        if count >= 3000:
            case.watch.stop = JobStoppedError(StopReason.LOST)

    transfer = Transfer(
        case.source,
        case.artifact,
        case.partial,
        watch=case.watch,
        backoff=Backoff(lambda: 0.5),
        on_bytes=stop_at,
        on_trouble=case.troubles.append,
    )
    with pytest.raises(JobStoppedError):
        transfer.run(case.target)
    assert case.partial.size() == 3072
    assert not case.target.exists()


def test_empty_file_is_a_file(tmp_path: Path, watch: FreeWatch) -> None:
    case = Case(tmp_path, MemorySource({"m": {"f.bin": b""}}), watch)
    case.run()
    assert case.target.read_bytes() == b""
