from collections.abc import Callable

import msgspec
import pytest
from msgspec.structs import replace

from fleetserve.announcements import InstanceState, ModelInstance
from fleetserve.errors import NotFoundError, UpstreamError
from fleetserve.jobs.leased_job import JobStoppedError, LeasedJob, StopReason
from fleetserve.jobs.ledger.base import Job, Lease
from fleetserve.manifest import Manifest, read_manifest
from model_registry_svc.plan import DownloadJob, DownloadRequest
from model_registry_svc.progress import DownloadProgress, ProgressReport
from model_registry_svc.publisher import TRYING, Publisher
from model_registry_svc.trial import Trial
from tests.unit.model_registry_svc.conftest import Registry

Announce = Callable[..., None]
FIRST = Manifest("m", "huggingface", "org/m", "r1", "fill-mask", (), 100, 0.0)
SECOND = replace(FIRST, revision="r2")


class Case:
    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.models_dir = registry.models_dir
        self.calls = registry.calls
        self.publisher = Publisher(self.models_dir, Trial(registry.board, self.calls))
        self.progress = DownloadProgress(registry.clock, ProgressReport())

    def job(self) -> LeasedJob:
        wanted = DownloadJob(DownloadRequest("m", "huggingface", "org/m"))
        job = Job("dl-1", "download", "m", msgspec.json.encode(wanted), fence=1)
        return LeasedJob(job, Lease("dl-1", "w", 1), self.registry.clock)

    def publish(self, manifest: Manifest) -> Manifest:
        (self.models_dir / "m" / manifest.revision).mkdir(parents=True, exist_ok=True)
        return self.publisher.publish(self.job(), manifest, self.progress)

    def names(self) -> list[str]:
        return sorted(path.name for path in (self.models_dir / "m").iterdir())


@pytest.fixture
def case(registry: Registry) -> Case:
    return Case(registry)


def test_first_revision_is_published_at_once(case: Case) -> None:
    assert case.publish(FIRST) == FIRST
    assert case.calls.made == []
    assert case.names() == ["manifest.json", "r1"]


def test_next_one_is_tried_and_the_one_before_can_be_read_on(
    case: Case, announce: Announce
) -> None:
    case.publish(FIRST)
    announce("a", ModelInstance("m", "r1", InstanceState.READY))
    published = case.publish(SECOND)
    assert case.calls.made == [("stage", "a", "m@r2"), ("load", "a", "m@r2")]
    assert (published.revision, published.previous_revision) == ("r2", "r1")
    assert read_manifest(case.models_dir, "m") == published
    assert read_manifest(case.models_dir, "m", "r1").revision == "r1"
    assert case.names() == ["manifest.json", "manifest.r1.json", "r1", "r2"]
    assert case.progress.snapshot().message == TRYING


def test_one_that_cannot_be_loaded_changes_nothing(case: Case, announce: Announce) -> None:
    case.publish(FIRST)
    announce("a", ModelInstance("m", "r1", InstanceState.READY))
    case.calls.failures["m@r2"] = UpstreamError("a: the weights are cut")
    with pytest.raises(UpstreamError, match="cut"):
        case.publish(SECOND)
    assert read_manifest(case.models_dir, "m") == FIRST
    with pytest.raises(NotFoundError):
        read_manifest(case.models_dir, "m", "r2")


def test_only_the_revision_before_is_kept_and_going_back_keeps_the_newer(case: Case) -> None:
    for revision in ("r1", "r2", "r3"):
        case.publish(replace(FIRST, revision=revision))
    assert case.names() == ["manifest.json", "manifest.r2.json", "r2", "r3"]
    back = case.publish(read_manifest(case.models_dir, "m", "r2"))
    assert (back.revision, back.previous_revision) == ("r2", "r3")
    assert case.names() == ["manifest.json", "manifest.r3.json", "r2", "r3"]


def test_published_twice_is_as_once(case: Case) -> None:
    case.publish(FIRST)
    first = case.publish(SECOND)
    assert case.publish(SECOND) == first
    assert case.names() == ["manifest.json", "manifest.r1.json", "r1", "r2"]


def test_lease_lost_over_the_trial_publishes_nothing(
    case: Case, announce: Announce, monkeypatch: pytest.MonkeyPatch
) -> None:
    case.publish(FIRST)
    announce("a", ModelInstance("m", "r1", InstanceState.READY))
    monkeypatch.setattr(
        case.calls, "stage", lambda *_: (_ for _ in ()).throw(JobStoppedError(StopReason.LOST))
    )
    with pytest.raises(JobStoppedError):
        case.publish(SECOND)
    assert read_manifest(case.models_dir, "m") == FIRST
