from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from fleetserve.announcements import InstanceState, ModelInstance
from fleetserve.errors import (
    ConflictError,
    DoesNotFitError,
    InvalidFieldError,
    ModelNotFoundError,
    UnavailableError,
)
from fleetserve.jobs.ledger.base import JobState
from fleetserve.model_records import ModelState
from model_registry_svc.downloads import StartedStatus
from model_registry_svc.orders import DownloadOrder
from model_registry_svc.source.base import (
    ModelHints,
    RepositoryNotFoundError,
    Resolution,
    SourceBusyError,
    SourceRef,
)
from tests.checkpoints.torchvision_models import make_model, write_weights
from tests.redis_server import RedisServer
from tests.unit.model_registry_svc.conftest import Registry

Announce = Callable[..., None]


def order(name: str = "m", model_id: str = "org/m", **more: object) -> DownloadOrder:
    return DownloadOrder("huggingface", model_id, name, **more)  # type: ignore[arg-type]


def test_order_is_planned_enqueued_and_told_of(registry: Registry) -> None:
    started = registry.downloads.start(order())
    assert started.status is StartedStatus.DOWNLOADING
    assert started.plan is not None
    assert started.plan.bytes_total == 5002
    record = registry.records.find("m")
    assert record is not None
    assert (record.state, record.download_id) == (ModelState.DOWNLOADING, started.download_id)
    assert record.task == "fill-mask"
    done = registry.work()
    assert done is not None
    assert (done.id, done.state) == (started.download_id, JobState.SUCCEEDED)


def test_same_order_while_it_runs_gives_the_same_id(registry: Registry) -> None:
    first = registry.downloads.start(order("whisper_base"))
    assert registry.downloads.start(order("whisper-base")).download_id == first.download_id


def test_model_that_is_here_becomes_a_voice_without_being_fetched_again(registry: Registry) -> None:
    registry.hub.hints = {"org/m": ModelHints(pipeline_tag="summarization")}
    registry.downloads.start(order())
    registry.work()
    registry.hub.opened.clear()
    spoken = order(auto_convert_tts=True)
    assert registry.downloads.start(spoken).status is StartedStatus.DOWNLOADING
    registry.work()
    assert registry.hub.opened == []
    record = registry.records.find("m")
    assert record is not None
    assert (record.task, record.two_stage_voice) == ("summarization", True)
    # From then on it is one, also for who does not ask for that.
    for again in (spoken, order()):
        assert registry.downloads.start(again).status is StartedStatus.ALREADY_EXISTS


def test_model_that_is_here_is_not_asked_for_at_its_source(registry: Registry) -> None:
    registry.downloads.start(order())
    registry.work()
    registry.hub.repos.clear()
    started = registry.downloads.start(order("M"))
    assert started.status is StartedStatus.ALREADY_EXISTS
    assert started.download_id == "disk-m"
    assert registry.tracker.view("disk-m").progress == 100.0


@pytest.mark.parametrize("state", ["running", "done"])
def test_name_of_another_model_is_taken(registry: Registry, state: str) -> None:
    registry.hub.repos["org/other"] = {"model.safetensors": b"o"}
    registry.downloads.start(order())
    if state == "done":
        registry.work()
    with pytest.raises(ConflictError, match="belongs to org/m") as caught:
        registry.downloads.start(order(model_id="org/other"))
    assert caught.value.code == "name_taken"


def test_failed_download_leaves_its_name_free(registry: Registry) -> None:
    registry.downloads.start(order())
    registry.hub.repos["org/m"]["config.json"] = b"changed"
    registry.hub.repos.pop("org/m")
    done = registry.work()
    assert done is not None
    assert done.state is JobState.FAILED
    registry.hub.repos["org/other"] = {"model.safetensors": b"o"}
    started = registry.downloads.start(order(model_id="org/other", task="fill-mask"))
    assert started.status is StartedStatus.DOWNLOADING


def test_other_task_for_a_model_that_is_here_changes_its_manifest(registry: Registry) -> None:
    registry.downloads.start(order())
    registry.work()
    registry.hub.opened.clear()
    started = registry.downloads.start(order(task="feature-extraction"))
    assert started.status is StartedStatus.DOWNLOADING
    registry.work()
    manifest = registry.library.find("m")
    assert manifest is not None
    assert manifest.task == "feature-extraction"
    assert registry.hub.opened == []


def test_branch_that_means_what_is_here_is_here(registry: Registry) -> None:
    registry.downloads.start(order())
    registry.work()
    assert registry.downloads.start(order(revision="main")).status is StartedStatus.ALREADY_EXISTS
    registry.hub.repos["org/m"]["model.safetensors"] = b"n" * 6000
    assert registry.downloads.start(order(revision="main")).status is StartedStatus.DOWNLOADING


def test_unneeded_vocoder_is_no_reason_to_download_again(registry: Registry) -> None:
    registry.downloads.start(order())
    registry.work()
    started = registry.downloads.start(order(include_vocoder=True))
    assert started.status is StartedStatus.ALREADY_EXISTS


def test_converted_model_can_have_another_task_without_coming_again(
    registry: Registry, tmp_path: Path
) -> None:
    path = write_weights(tmp_path, make_model("resnet18").state_dict(), "tiny")
    model_id = f"resnet18/{path.name}"
    registry.hub.repos[model_id] = {path.name: path.read_bytes()}
    registry.hub.conversions[model_id] = model_id
    registry.hub.hints = {model_id: ModelHints(pipeline_tag="image-classification")}
    registry.downloads.start(order(model_id=model_id))
    registry.work()
    again = registry.downloads.start(order(model_id=model_id, include_vocoder=True))
    assert again.status is StartedStatus.ALREADY_EXISTS
    registry.hub.opened.clear()
    registry.downloads.start(order(model_id=model_id, task="image-feature-extraction"))
    registry.work()
    manifest = registry.library.find("m")
    assert manifest is not None
    assert (manifest.task, len(manifest.files)) == ("image-feature-extraction", 3)
    assert registry.hub.opened == []


def test_conversion_counts_when_room_is_looked_for(registry: Registry, tmp_path: Path) -> None:
    registry.hub.repos["r"] = {"r-01234567.pth": b"w" * 3000}
    registry.hub.conversions["r"] = "r"
    registry.free = 5999
    with pytest.raises(DoesNotFitError) as caught:
        registry.downloads.start(order(model_id="r", task="image-classification"))
    assert caught.value.extra["needed_bytes"] == 6000


def test_unknown_repository_leaves_no_trace(registry: Registry) -> None:
    with pytest.raises(RepositoryNotFoundError):
        registry.downloads.start(order(model_id="org/none"))
    assert registry.records.all() == []
    assert registry.work() is None


def test_wrong_name_is_refused(registry: Registry) -> None:
    with pytest.raises(InvalidFieldError):
        registry.downloads.start(order("../m"))


def test_model_that_does_not_fit_is_refused_with_the_numbers(registry: Registry) -> None:
    registry.free = 5001
    with pytest.raises(DoesNotFitError) as caught:
        registry.downloads.start(order())
    assert caught.value.extra == {"needed_bytes": 5002, "available_bytes": 5001}


def test_busy_source_is_left_to_the_worker(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(_: object, __: SourceRef) -> Resolution:
        raise SourceBusyError("429")

    with monkeypatch.context() as patched:
        patched.setattr(type(registry.hub), "resolve", busy)
        started = registry.downloads.start(order())
    assert (started.status, started.plan) == (StartedStatus.DOWNLOADING, None)
    done = registry.work()
    assert done is not None
    assert done.state is JobState.SUCCEEDED


def test_while_redis_is_away_nothing_is_begun(
    registry: Registry, redis_server: RedisServer
) -> None:
    redis_server.stop()
    with pytest.raises(UnavailableError):
        registry.downloads.start(order())
    assert registry.work() is None


def test_deletion_frees_the_disk(registry: Registry) -> None:
    registry.downloads.start(order("whisper_base"))
    registry.work()
    deletion = registry.downloads.delete("whisper-base", force=False)
    assert (deletion.name, deletion.holders) == ("whisper_base", ())
    registry.work()
    assert registry.library.find("whisper_base") is None
    with pytest.raises(ModelNotFoundError):
        registry.downloads.delete("whisper_base", force=False)


def test_model_in_use_is_deleted_by_force_only(registry: Registry, announce: Announce) -> None:
    registry.downloads.start(order())
    registry.work()
    announce("r1", ModelInstance("m", "rev", InstanceState.READY))
    with pytest.raises(ConflictError, match="loaded on r1") as caught:
        registry.downloads.delete("m", force=False)
    assert caught.value.code == "model_in_use"
    assert registry.downloads.delete("m", force=True).holders == ("r1",)


def test_failed_instance_is_no_use(registry: Registry, announce: Announce) -> None:
    registry.downloads.start(order())
    registry.work()
    announce("r1", ModelInstance("m", "rev", InstanceState.FAILED))
    assert registry.downloads.delete("m", force=False).holders == ()


def test_deleting_stops_the_download_first(registry: Registry) -> None:
    started = registry.downloads.start(order())
    registry.downloads.delete("m", force=False)
    assert registry.ledger.read(started.download_id).state is JobState.CANCELLED
    done = registry.work()
    assert done is not None
    assert done.kind == "delete"
    assert registry.records.find("m") is None


def test_remains_of_a_download_that_nobody_knows_can_be_deleted(registry: Registry) -> None:
    (registry.models_dir / "m" / ".partial").mkdir(parents=True)
    registry.downloads.delete("m", force=False)
    registry.work()
    assert not (registry.models_dir / "m").exists()


def test_recorded_download_that_is_long_forgotten_is_no_obstacle(registry: Registry) -> None:
    started = registry.downloads.start(order())
    record = registry.records.find("m")
    assert record is not None
    registry.records.put(replace(record, download_id="dl-gone"))
    registry.queue.cancel(started.download_id)
    again = registry.downloads.start(order())
    assert again.status is StartedStatus.DOWNLOADING
    assert again.download_id != started.download_id
