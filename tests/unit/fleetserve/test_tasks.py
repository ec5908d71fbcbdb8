import pytest

from fleetserve.tasks import AUDIO_SERVICE, INFERENCE_SERVICE, Task, service_for_task


@pytest.mark.parametrize("task", list(Task))
def test_speech_goes_to_the_audio_service_and_all_else_to_inference(task: Task) -> None:
    speech = task in ("automatic-speech-recognition", "text-to-speech")
    assert service_for_task(task.value) == (AUDIO_SERVICE if speech else INFERENCE_SERVICE)


def test_names_are_the_hubs() -> None:
    assert Task("sentence-similarity") is Task.SENTENCE_SIMILARITY
