from dataclasses import replace

import pytest

from fleetserve.errors import ConflictError, ModelNotFoundError
from fleetserve.jobs.ledger.base import JobState
from fleetserve.manifest import read_manifest
from model_registry_svc.downloads import StartedStatus
from model_registry_svc.orders import DownloadOrder
from model_registry_svc.source.base import ModelHints
from tests.unit.model_registry_svc.conftest import Registry

ORDER = DownloadOrder("huggingface", "org/m", "m")


def fetch(registry: Registry) -> str:
    """The revision that is here afterwards."""
    registry.downloads.start(ORDER)
    registry.work()
    return read_manifest(registry.models_dir, "m").revision


def change(registry: Registry) -> None:
    registry.hub.repos["org/m"]["model.safetensors"] = b"n" * 6000


def test_newest_revision_is_fetched_and_the_old_one_ready_meanwhile(registry: Registry) -> None:
    old = fetch(registry)
    change(registry)
    started = registry.revisions.update("M", None)
    assert started.status is StartedStatus.DOWNLOADING
    record = registry.records.find("m")
    assert record is not None
    assert (record.revision, record.download_id) == (old, started.download_id)
    registry.work()
    manifest = read_manifest(registry.models_dir, "m")
    assert manifest.revision != old
    assert manifest.previous_revision == old


def test_voice_of_two_stages_stays_one(registry: Registry) -> None:
    registry.hub.hints = {"org/m": ModelHints(pipeline_tag="translation")}
    registry.downloads.start(replace(ORDER, auto_convert_tts=True))
    registry.work()
    change(registry)
    registry.revisions.update("m", None)
    registry.work()
    manifest = read_manifest(registry.models_dir, "m")
    assert manifest.previous_revision
    assert manifest.two_stage_voice


def test_newest_revision_that_is_here_is_said(registry: Registry) -> None:
    fetch(registry)
    started = registry.revisions.update("m", None)
    assert started.status is StartedStatus.ALREADY_EXISTS


def test_rollback_fetches_nothing_and_can_be_taken_back(registry: Registry) -> None:
    old = fetch(registry)
    change(registry)
    registry.revisions.update("m", None)
    registry.work()
    new = read_manifest(registry.models_dir, "m").revision
    registry.hub.opened.clear()
    for revision in (old, new):
        registry.revisions.rollback("m")
        job = registry.work()
        assert job is not None
        assert job.state is JobState.SUCCEEDED
        assert read_manifest(registry.models_dir, "m").revision == revision
    assert registry.hub.opened == []


def test_without_a_revision_before_there_is_no_way_back(registry: Registry) -> None:
    fetch(registry)
    with pytest.raises(ConflictError) as caught:
        registry.revisions.rollback("m")
    assert caught.value.code == "no_previous_revision"


def test_failed_download_goes_on(registry: Registry) -> None:
    first = registry.downloads.start(ORDER)
    registry.hub.repos.clear()
    job = registry.work()
    assert job is not None
    assert job.state is JobState.FAILED
    registry.hub.repos["org/m"] = {"config.json": b"{}", "model.safetensors": b"w" * 5000}
    again = registry.revisions.retry("m")
    assert again.download_id != first.download_id
    job = registry.work()
    assert job is not None
    assert job.state is JobState.SUCCEEDED


def test_running_download_is_joined(registry: Registry) -> None:
    first = registry.downloads.start(ORDER)
    assert registry.revisions.retry("m").download_id == first.download_id


def test_where_nothing_failed_there_is_nothing_to_retry(registry: Registry) -> None:
    fetch(registry)
    with pytest.raises(ConflictError) as caught:
        registry.revisions.retry("m")
    assert caught.value.code == "nothing_to_retry"


def test_model_that_is_not_here_yet_cannot_be_updated(registry: Registry) -> None:
    registry.downloads.start(ORDER)
    with pytest.raises(ConflictError, match="still being downloaded"):
        registry.revisions.update("m", None)


def test_unknown_model_is_not_found(registry: Registry) -> None:
    with pytest.raises(ModelNotFoundError):
        registry.revisions.update("nobody", None)
    with pytest.raises(ModelNotFoundError):
        registry.revisions.rollback("nobody")
    with pytest.raises(ModelNotFoundError):
        registry.revisions.retry("nobody")
