import pytest

from fleetserve.built_in import DESCRIPTIONS, SPEECH_MODELS, find_built_in
from fleetserve.model_records import ModelState
from fleetserve.tasks import AUDIO_SERVICE, service_for_task


def test_voice_and_ear_are_ready_on_audio_replicas() -> None:
    assert {record.name for record in SPEECH_MODELS} == {"tiny_tts", "tiny_stt"} == {*DESCRIPTIONS}
    for record in SPEECH_MODELS:
        assert record.state is ModelState.READY
        assert service_for_task(record.task) == AUDIO_SERVICE


@pytest.mark.parametrize("name", ["tiny_tts", "tiny-tts", "Tiny_TTS"])
def test_it_is_found_however_it_is_spelt(name: str) -> None:
    found = find_built_in(name)
    assert found is not None
    assert found.name == "tiny_tts"


def test_others_are_not_built_in() -> None:
    assert find_built_in("speecht5_tts") is None
