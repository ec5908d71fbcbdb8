from pathlib import Path

import pytest

from fleetserve.clock import ManualClock
from fleetserve.jobs.leased_job import JobStoppedError, StopReason
from model_registry_svc.fetcher import Fetcher
from model_registry_svc.plan import PlannedFile
from model_registry_svc.progress import DownloadProgress, ProgressReport
from model_registry_svc.source.base import Artifact, ArtifactChangedError, SourceRef
from model_registry_svc.source.memory import MemorySource
from tests.unit.model_registry_svc.conftest import FreeWatch

FILES = {"a.json": b"a" * 100, "sub/b.bin": b"b" * 5000}


class Case:
    def __init__(self, folder: Path, clock: ManualClock, watch: FreeWatch) -> None:
        self.hub = MemorySource({"m": dict(FILES), "voice": {"v.npy": b"v" * 30}})
        self.mirror = MemorySource({"voice": {"v.npy": b"v" * 30}})
        self.folder = folder / "rev"
        self.partials = folder / ".partial"
        self.watch = watch
        self.progress = DownloadProgress(clock, ProgressReport())
        artifacts = self.hub.resolve(SourceRef("m")).artifacts
        self.files = [PlannedFile(a.path, "huggingface", a) for a in artifacts]

    def fetcher(self) -> Fetcher:
        return Fetcher(
            {"huggingface": self.hub, "url": self.mirror},
            self.folder,
            self.partials,
            watch=self.watch,
            progress=self.progress,
            width=2,
            random_source=lambda: 0.5,
        )

    def voice(self, *mirrors: str, gone: bool = False) -> PlannedFile:
        (found,) = self.hub.resolve(SourceRef("voice")).artifacts
        if gone:
            self.hub.repos.pop("voice")
        return PlannedFile("voices/v.npy", "huggingface", found, "No voice", mirrors)


@pytest.fixture
def case(tmp_path: Path, clock: ManualClock, watch: FreeWatch) -> Case:
    return Case(tmp_path, clock, watch)


def test_all_files_come_and_are_listed_with_their_digests(case: Case) -> None:
    listed, warnings = case.fetcher().fetch(case.files)
    assert [(f.path, f.size) for f in listed] == [("a.json", 100), ("sub/b.bin", 5000)]
    assert all(len(f.sha256) == 64 for f in listed)
    assert warnings == []
    assert (case.folder / "sub" / "b.bin").read_bytes() == FILES["sub/b.bin"]
    assert case.progress.snapshot().bytes_done == 5100


def test_file_that_is_in_its_place_is_kept_and_listed(case: Case) -> None:
    first, _ = case.fetcher().fetch(case.files)
    case.hub.opened.clear()
    again, _ = case.fetcher().fetch(case.files)
    assert again == first
    assert case.hub.opened == []


def test_file_in_its_place_with_wrong_content_is_fetched_again(case: Case) -> None:
    case.fetcher().fetch(case.files)
    (case.folder / "a.json").write_bytes(b"x" * 100)
    case.hub.opened.clear()
    case.fetcher().fetch(case.files)
    assert case.hub.opened == [("a.json", 0)]
    assert (case.folder / "a.json").read_bytes() == FILES["a.json"]


def test_only_what_is_missing_needs_room(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    assert case.fetcher().missing_bytes(case.files) == 5100
    case.hub.cuts = [1000]

    def stop(_: float) -> None:
        raise JobStoppedError(StopReason.RELEASED)

    monkeypatch.setattr(case.watch, "pause", stop)
    with pytest.raises(JobStoppedError):
        case.fetcher().fetch([f for f in case.files if f.target == "sub/b.bin"])
    assert case.fetcher().missing_bytes(case.files) == 4100


def test_failure_of_a_file_that_is_needed_is_raised(case: Case) -> None:
    case.hub.repos["m"]["a.json"] = b"other"
    with pytest.raises(ArtifactChangedError):
        case.fetcher().fetch(case.files)


def test_optional_file_that_cannot_be_had_is_warned_of(case: Case) -> None:
    listed, warnings = case.fetcher().fetch([*case.files, case.voice(gone=True)])
    assert [f.path for f in listed] == ["a.json", "sub/b.bin"]
    assert warnings == ["No voice (v.npy was changed.)"]
    assert case.progress.snapshot().bytes_total == 5100


def test_optional_file_comes_from_a_mirror(case: Case) -> None:
    listed, warnings = case.fetcher().fetch([case.voice("voice#none", "voice#v.npy", gone=True)])
    assert [f.path for f in listed] == ["voices/v.npy"]
    assert warnings == []


def test_file_of_unknown_size_is_fetched(case: Case) -> None:
    (known,) = [f.artifact for f in case.files if f.target == "a.json"]
    unsized = Artifact(known.path, known.address, sha256=known.sha256)
    listed, _ = case.fetcher().fetch([PlannedFile("a.json", "huggingface", unsized)])
    assert listed[0].size == 100


def test_files_with_one_content_are_fetched_once_and_are_two_files(case: Case) -> None:
    case.hub.repos["m"] = {"a.bin": b"x" * 3000, "sub/b.bin": b"x" * 3000, "c.bin": b"c"}
    artifacts = case.hub.resolve(SourceRef("m")).artifacts
    files = [PlannedFile(a.path, "huggingface", a) for a in artifacts]
    listed, _ = case.fetcher().fetch(files)
    assert [f.path for f in listed] == ["a.bin", "c.bin", "sub/b.bin"]
    assert len(case.hub.opened) == 2
    assert (case.folder / "sub" / "b.bin").read_bytes() == b"x" * 3000
    assert case.progress.snapshot().bytes_done == 6001
    case.hub.opened.clear()
    assert case.fetcher().fetch(files)[0] == listed
    assert case.hub.opened == []
