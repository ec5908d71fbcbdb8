import pytest

from audio_svc.api.speech_content import content_of, file_answer
from audio_svc.audio.encoding import FORMATS
from audio_svc.speaker import Speaker, Speech, SpeechAsk
from audio_svc.speaking import SpeechOrder
from fleetserve.clock import SystemClock


@pytest.fixture
async def speech(speaker: Speaker) -> Speech:
    order = SpeechOrder("Hello.", FORMATS["opus"], seed=1)
    return await speaker.speak(SpeechAsk("tone", order, 0, SystemClock().monotonic_s()))


async def test_times_are_told_only_when_they_are_asked_for(speech: Speech) -> None:
    assert "timestamps" not in content_of(speech, with_times=False)
    (time,) = content_of(speech, with_times=True)["timestamps"]
    assert (time["text"], time["start"]) == ("Hello.", 0.0)


async def test_file_tells_in_headers_what_json_would(speech: Speech) -> None:
    answer = file_answer(speech)
    headers = dict(answer.headers)
    assert headers[b"content-disposition"] == b'inline; filename="speech.ogg"'
    assert headers[b"x-audio-sample-rate"] == b"16000"
    assert float(headers[b"x-audio-duration"]) == pytest.approx(speech.file.duration_s, abs=1e-5)
