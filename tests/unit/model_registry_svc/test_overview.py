from fleetserve.announcements import (
    Announcement,
    InstanceState,
    ModelInstance,
    ReplicaState,
)
from fleetserve.manifest import Manifest, ManifestFile, VocoderSource
from fleetserve.model_records import ModelRecord, ModelState
from model_registry_svc.catalogue import Catalogue
from model_registry_svc.overview import ModelEntry, list_models
from model_registry_svc.replicas import Holding

ENTRY = {
    "source": "huggingface",
    "model_id": "org/tts",
    "task": "text-to-speech",
    "description": "d",
    "size_mb": 1,
    "license": "MIT",
    "display_name": "A voice",
}
CATALOGUE = Catalogue.model_validate({"available_models": {"tts": ENTRY}})
FILES = (
    ManifestFile("config.json", 500_000, "ab" * 32),
    ManifestFile("pytorch_model.bin", 2_000_000, "ab" * 32),
)
MANIFEST = Manifest(
    "my_tts",
    "huggingface",
    "org/tts",
    "rev",
    "text-to-speech",
    FILES,
    2_500_000,
    0.0,
    vocoder=VocoderSource("org/gan", "r"),
    warnings=("no voice",),
)


def listed(*records: ModelRecord, holders: tuple[str, ...] = ()) -> dict[str, ModelEntry]:
    instance = ModelInstance("my-tts", "rev", InstanceState.READY)
    holdings = [
        Holding(Announcement("audio-svc", r, "http://r", "b", ReplicaState.READY), instance)
        for r in holders
    ]
    return {e.name: e for e in list_models([MANIFEST], records, holdings, CATALOGUE)}


def test_model_on_disk_is_ready_with_its_sizes() -> None:
    entry = listed(holders=("r2", "r1"))["my_tts"]
    assert (entry.state, entry.display_name, entry.category) == (ModelState.READY, "A voice", "tts")
    assert entry.loaded_on == ("r1", "r2")
    assert entry.size_mb == 2.5
    assert entry.hardware_requirements == {"disk_mb": 2.5, "min_memory_mb": 2.0}
    assert entry.metadata["vocoder"] == "org/gan"
    assert entry.metadata["downloaded_at"] == "1970-01-01T00:00:00+00:00"
    assert entry.metadata["warnings"] == ["no voice"]


def test_disk_counts_before_the_record() -> None:
    failed = ModelRecord("my_tts", "text-to-speech", ModelState.FAILED)
    assert listed(failed)["my_tts"].state is ModelState.READY


def test_download_and_failure_are_listed_with_how_far_and_why() -> None:
    coming = ModelRecord(
        "a", "fill-mask", ModelState.DOWNLOADING, progress=0.25, download_id="dl-1"
    )
    failed = ModelRecord("b", "fill-mask", ModelState.FAILED, message="no room")
    entries = listed(coming, failed)
    assert list(entries) == ["a", "b", "example", "my_tts", "tiny_stt", "tiny_tts"]
    assert entries["a"].metadata == {"download_id": "dl-1", "progress": 25.0, "message": ""}
    assert entries["b"].metadata["message"] == "no room"


def test_record_of_a_ready_model_that_is_not_on_disk_is_not_listed() -> None:
    assert "ghost" not in listed(ModelRecord("ghost", "fill-mask", ModelState.READY))


def test_example_is_built_in() -> None:
    entry = listed()["example"]
    assert (entry.source, entry.task, entry.state) == ("built-in", "tensor", ModelState.READY)


def test_what_comes_with_fleetserve_is_ready_without_a_file() -> None:
    entry = listed()["tiny_tts"]
    assert (entry.state, entry.source, entry.category) == (ModelState.READY, "built-in", "tts")
    assert "espeak-ng" in entry.metadata["description"]
