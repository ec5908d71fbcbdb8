import errno
from pathlib import Path

import msgspec
import pytest

from fleetserve.clock import ManualClock
from fleetserve.errors import ModelNotFoundError
from fleetserve.jobs.leased_job import JobStoppedError, LeasedJob, StopReason
from fleetserve.jobs.ledger.base import Job, Lease
from fleetserve.jobs.runner import JobFailedError
from fleetserve.manifest import publish_manifest, read_manifest
from fleetserve.model_records import ModelState
from model_registry_svc.downloader import MAX_CLAIMS, Downloader, DownloadLimits
from model_registry_svc.fleet_calls.memory import MemoryFleetCalls
from model_registry_svc.plan import DownloadJob, DownloadPlan, DownloadRequest, DownloadResult
from model_registry_svc.planner import Planner
from model_registry_svc.progress import Phase, ProgressReport, decode_report, encode_report
from model_registry_svc.publisher import Publisher
from model_registry_svc.records import RecordBook
from model_registry_svc.replicas import ReplicaBoard
from model_registry_svc.source.base import (
    Artifact,
    ArtifactChangedError,
    ArtifactStream,
    ModelHints,
)
from model_registry_svc.source.memory import MemorySource
from model_registry_svc.trial import Trial
from tests.checkpoints.torchvision_models import make_model, write_weights

FILES = {"config.json": b"{}", "model.safetensors": b"w" * 5000}
REQUEST = DownloadRequest(name="m", source="huggingface", model_id="org/m")


class Case:
    """A downloader on an empty volume."""

    def __init__(
        self, folder: Path, records: RecordBook, board: ReplicaBoard, clock: ManualClock
    ) -> None:
        self.models_dir = folder / "models"
        self.models_dir.mkdir()
        self.records = records
        self.clock = clock
        self.free = 10**12
        self.hub = MemorySource(
            {"org/m": dict(FILES)}, hints={"org/m": ModelHints(pipeline_tag="fill-mask")}
        )
        self.downloader = Downloader(
            self.models_dir,
            {"huggingface": self.hub},
            records,
            Publisher(self.models_dir, Trial(board, MemoryFleetCalls())),
            DownloadLimits(keep_free_bytes=1000, parallel_files=2),
            clock,
            free=lambda _: self.free,
        )

    def plan(self) -> DownloadPlan:
        return Planner({"huggingface": self.hub}).plan(REQUEST)

    def job(
        self,
        plan: DownloadPlan | None = None,
        fence: int = 1,
        progress: bytes = b"",
        request: DownloadRequest = REQUEST,
    ) -> LeasedJob:
        raw = msgspec.json.encode(DownloadJob(request, plan))
        job = Job("dl-1", "download", "m", raw, progress=progress, fence=fence)
        return LeasedJob(job, Lease("dl-1", "w", fence), self.clock)

    def run(self, job: LeasedJob | None = None) -> DownloadResult:
        done = self.downloader.run(job or self.job(self.plan()))
        return msgspec.json.decode(done, type=DownloadResult)

    def failure(self, job: LeasedJob) -> DownloadResult:
        with pytest.raises(JobFailedError) as caught:
            self.downloader.run(job)
        return msgspec.json.decode(caught.value.result, type=DownloadResult)


@pytest.fixture
def case(tmp_path: Path, records: RecordBook, board: ReplicaBoard, clock: ManualClock) -> Case:
    return Case(tmp_path, records, board, clock)


def test_model_is_fetched_published_and_told_of(case: Case) -> None:
    plan = case.plan()
    result = case.run(case.job(plan))
    manifest = read_manifest(case.models_dir, "m")
    assert (manifest.revision, manifest.task, manifest.size_bytes) == (
        plan.revision,
        "fill-mask",
        5002,
    )
    assert [f.path for f in manifest.files] == ["config.json", "model.safetensors"]
    for path, content in FILES.items():
        assert (case.models_dir / "m" / plan.revision / path).read_bytes() == content
    assert result.size_bytes == 5002
    record = case.records.find("m")
    assert record is not None
    assert (record.state, record.revision, record.download_id) == (
        ModelState.READY,
        plan.revision,
        "dl-1",
    )


def test_volume_holds_nothing_but_the_manifest_and_the_revision(case: Case) -> None:
    plan = case.plan()
    case.run(case.job(plan))
    names = sorted(p.name for p in (case.models_dir / "m").iterdir())
    assert names == sorted(["manifest.json", plan.revision])


def test_worker_makes_the_plan_where_the_request_has_none(case: Case) -> None:
    assert case.run(case.job(None)).revision == case.plan().revision


@pytest.fixture
def torchvision(case: Case, tmp_path: Path) -> DownloadRequest:
    """A request for small weights that the hub has as torchvision's."""
    path = write_weights(tmp_path, make_model("resnet18").state_dict(), "tiny")
    model_id = f"resnet18/{path.name}"
    case.hub.repos[model_id] = {path.name: path.read_bytes()}
    case.hub.conversions[model_id] = model_id
    case.hub.hints = {model_id: ModelHints(pipeline_tag="image-classification")}
    return DownloadRequest(name="m", source="huggingface", model_id=model_id)


def test_weights_of_torchvision_are_converted_and_the_original_goes(
    case: Case, torchvision: DownloadRequest
) -> None:
    result = case.run(case.job(request=torchvision))
    manifest = read_manifest(case.models_dir, "m")
    names = ["config.json", "model.safetensors", "preprocessor_config.json"]
    assert [file.path for file in manifest.files] == names
    folder = case.models_dir / "m" / result.revision
    assert sorted(path.name for path in folder.iterdir()) == names
    assert result.size_bytes == sum((folder / name).stat().st_size for name in names)


def test_converted_once_nothing_is_fetched_again(case: Case, torchvision: DownloadRequest) -> None:
    first = case.run(case.job(request=torchvision))
    case.hub.opened.clear()
    assert case.run(case.job(request=torchvision, fence=2)) == first
    assert case.hub.opened == []


def test_conversion_that_was_stopped_is_done_without_fetching_again(
    case: Case, torchvision: DownloadRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object) -> None:
        raise JobStoppedError(StopReason.LOST)

    with monkeypatch.context() as patched:
        patched.setattr("model_registry_svc.downloader.convert", stop)
        with pytest.raises(JobStoppedError):
            case.downloader.run(case.job(request=torchvision))
    case.hub.opened.clear()
    case.run(case.job(request=torchvision, fence=2))
    assert case.hub.opened == []


def test_conversion_needs_its_own_room(case: Case, torchvision: DownloadRequest) -> None:
    (content,) = case.hub.repos[torchvision.model_id].values()
    case.free = len(content) + 1000
    assert case.failure(case.job(request=torchvision)).code == "no_disk_room"
    case.free = 2 * len(content) + 1000
    case.run(case.job(request=torchvision))


def test_weights_of_something_else_fail_with_the_reason(
    case: Case, torchvision: DownloadRequest
) -> None:
    case.hub.conversions[torchvision.model_id] = torchvision.model_id.replace(
        "resnet18", "vit_b_16"
    )
    result = case.failure(case.job(request=torchvision))
    assert result.code == "unreadable_weights"
    assert "is no vit_b_16" in result.error


def test_same_job_twice_is_as_once(case: Case) -> None:
    plan = case.plan()
    first = case.run(case.job(plan))
    case.hub.opened.clear()
    assert case.run(case.job(plan, fence=2)) == first
    assert case.hub.opened == []


def test_report_goes_on_from_an_earlier_owners(case: Case) -> None:
    job = case.job(case.plan(), progress=encode_report(ProgressReport(bytes_done=5000)))
    case.run(job)
    report = decode_report(job.reporter())
    assert (report.phase, report.bytes_done) == (Phase.VERIFYING, 5002)


def test_revision_that_changes_on_the_way_is_resolved_anew(case: Case) -> None:
    old = case.plan()
    case.hub.repos["org/m"]["model.safetensors"] = b"n" * 6000
    result = case.run(case.job(old))
    assert result.revision != old.revision
    assert result.size_bytes == 6002


def test_source_that_changes_all_the_time_is_given_up(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    def changed(_: MemorySource, artifact: Artifact, __: int) -> ArtifactStream:
        raise ArtifactChangedError(f"{artifact.path} was changed.")

    monkeypatch.setattr(MemorySource, "open", changed)
    assert "changed 3 times" in case.failure(case.job(case.plan())).error


def test_no_room_is_said_before_a_byte_is_fetched(case: Case) -> None:
    case.free = 3000
    result = case.failure(case.job(case.plan()))
    assert result.code == "no_disk_room"
    assert case.hub.opened == []
    record = case.records.find("m")
    assert record is not None
    assert (record.state, record.message) == (ModelState.FAILED, result.error)


def test_disk_that_fills_up_on_the_way_is_said(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: object, __: int) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("model_registry_svc.partial.PartialFile.open_at", full)
    assert case.failure(case.job(case.plan())).code == "no_disk_room"


def test_model_that_was_here_stays_ready_when_its_newer_revision_fails(case: Case) -> None:
    first = case.run()
    case.hub.repos["org/m"]["model.safetensors"] = b"n" * 6000
    plan = case.plan()
    case.free = 0
    case.failure(case.job(plan))
    record = case.records.find("m")
    assert record is not None
    assert (record.state, record.revision) == (ModelState.READY, first.revision)


def test_revision_before_the_newest_is_kept_and_older_ones_go(case: Case) -> None:
    revisions = []
    for content in (b"1" * 10, b"2" * 20, b"3" * 30):
        case.hub.repos["org/m"]["model.safetensors"] = content
        revisions.append(case.run().revision)
    folders = {p.name for p in (case.models_dir / "m").iterdir() if p.is_dir()}
    assert folders == set(revisions[1:])


def test_job_that_took_many_workers_down_is_given_up(case: Case) -> None:
    assert "Given up" in case.failure(case.job(case.plan(), fence=MAX_CLAIMS + 1)).error


@pytest.mark.parametrize("reason", list(StopReason))
def test_stopped_job_publishes_nothing(case: Case, reason: StopReason) -> None:
    job = case.job(case.plan())
    job.stop(reason)
    with pytest.raises(JobStoppedError):
        case.downloader.run(job)
    with pytest.raises(ModelNotFoundError):
        read_manifest(case.models_dir, "m")


def test_lease_lost_while_the_last_file_came_publishes_nothing(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, check = case.job(case.plan()), LeasedJob.check
    last = case.models_dir / "m" / case.plan().revision / "model.safetensors"

    def lose_late(checked: LeasedJob) -> None:
        if last.exists():
            checked.stop(StopReason.LOST)
        check(checked)

    monkeypatch.setattr(LeasedJob, "check", lose_late)
    with pytest.raises(JobStoppedError):
        case.downloader.run(job)
    assert last.exists()
    with pytest.raises(ModelNotFoundError):
        read_manifest(case.models_dir, "m")


def test_what_has_come_is_left_for_the_next_owner(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = case.plan()
    case.hub.cuts = [2000, 2000]

    def let_go(_: LeasedJob, __: float) -> None:
        raise JobStoppedError(StopReason.RELEASED)

    with monkeypatch.context() as patched:
        patched.setattr(LeasedJob, "pause", let_go)
        with pytest.raises(JobStoppedError):
            case.downloader.run(case.job(plan))
    case.hub.cuts = []  # Whether the other file had been opened yet was chance.
    case.run(case.job(plan, fence=2))
    offsets = [offset for path, offset in case.hub.opened if path == "model.safetensors"]
    assert offsets == [0, 2000]


def test_manifest_of_a_vocoder_says_where_it_came_from(case: Case) -> None:
    case.hub.repos["microsoft/speecht5_hifigan"] = dict(FILES)
    case.hub.hints = {"org/m": ModelHints(pipeline_tag="text-to-speech", model_type="speecht5")}
    request = DownloadRequest("m", "huggingface", "org/m", include_vocoder=True, input_rank=2)
    case.run(case.job(request=request))
    manifest = read_manifest(case.models_dir, "m")
    assert manifest.vocoder is not None
    assert manifest.vocoder.model_id == "microsoft/speecht5_hifigan"
    assert manifest.input_rank == 2
    publish_manifest(case.models_dir, manifest)
