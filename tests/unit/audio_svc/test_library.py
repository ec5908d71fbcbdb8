from pathlib import Path

import pytest

from audio_svc.library import Library
from audio_svc.served import AudioModel
from audio_svc.settings import AudioSettings
from fleetserve.replica.models import ModelSpec
from fleetserve.replica.pool import ModelPool
from fleetserve.tasks import Task
from tests.unit.audio_svc.memory_models import FAMILIES, FIXED, TONE, publish


@pytest.fixture
def library(settings: AudioSettings, pool: ModelPool[AudioModel]) -> Library:
    return Library(settings.service.models_dir, FAMILIES, pool)


async def test_models_are_listed_by_task(library: Library) -> None:
    assert [one.name for one in library.entries()] == [FIXED, TONE]
    assert [one.name for one in library.entries(Task.TEXT_TO_SPEECH)] == [TONE]
    (ear,) = library.entries(Task.AUTOMATIC_SPEECH_RECOGNITION)
    assert (ear.name, ear.voices, ear.languages) == (FIXED, (), ("de", "en"))


async def test_loaded_models_are_told_apart(library: Library, pool: ModelPool[AudioModel]) -> None:
    assert not any(one.loaded for one in library.entries())
    await pool.get(TONE)
    assert [one.name for one in library.entries() if one.loaded] == [TONE]


async def test_model_that_cannot_be_used_says_why(
    library: Library, settings: AudioSettings
) -> None:
    publish(settings.service.models_dir, "bark", "bark", Task.TEXT_TO_SPEECH)
    bark = library.entries(Task.TEXT_TO_SPEECH)[0]
    assert "bark" in bark.problem
    assert bark.voices == ()


async def test_models_of_other_services_are_not_listed(
    library: Library, settings: AudioSettings
) -> None:
    publish(settings.service.models_dir, "minilm", "bert", Task.FEATURE_EXTRACTION)
    assert "minilm" not in [one.name for one in library.entries()]


async def test_built_in_models_are_listed_among_the_others(
    settings: AudioSettings, pool: ModelPool[AudioModel], tmp_path: Path
) -> None:
    folder = tmp_path / "ours"
    folder.mkdir()
    (folder / "config.json").write_text('{"model_type": "tone"}')
    spec = ModelSpec("ours", "built-in", Task.TEXT_TO_SPEECH, 64, folder)
    library = Library(settings.service.models_dir, FAMILIES, pool, {"ours": spec})
    assert [one.name for one in library.entries()] == [FIXED, "ours", TONE]
    ours = library.entries(Task.TEXT_TO_SPEECH)[0]
    assert (ours.name, ours.model_id, ours.revision) == ("ours", "ours", "built-in")
    assert ours.voices == ("default", "low")
