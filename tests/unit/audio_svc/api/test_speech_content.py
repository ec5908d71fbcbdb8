from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from audio_svc.api.speech_content import OWN_EMBEDDING, content_of, file_answer
from audio_svc.audio.encoding import FORMATS
from audio_svc.speaker import Speaker, Speech, SpeechAsk
from audio_svc.speaking import SpeechOrder
from audio_svc.speech.base import VoiceSample
from fleetserve.clock import SystemClock


@pytest.fixture
async def speech(speaker: Speaker) -> Speech:
    order = SpeechOrder("Hello.", FORMATS["opus"], seed=1)
    return await speaker.speak(SpeechAsk("tone", order, 0, SystemClock().monotonic_s()))


async def test_times_are_told_only_when_they_are_asked_for(speech: Speech) -> None:
    assert "timestamps" not in content_of(speech, with_times=False)
    (time,) = content_of(speech, with_times=True)["timestamps"]
    assert (time["text"], time["start"]) == ("Hello.", 0.0)
    assert time["words"] == [{"word": "Hello", "start": 0.0, "end": 0.3}]


async def test_file_tells_in_headers_what_json_would(speech: Speech) -> None:
    answer = file_answer(speech)
    headers = dict(answer.headers)
    assert headers[b"content-disposition"] == b'inline; filename="speech.ogg"'
    assert headers[b"x-audio-sample-rate"] == b"16000"
    assert float(headers[b"x-audio-duration"]) == pytest.approx(speech.file.duration_s, abs=1e-5)


@pytest.mark.parametrize(
    ("change", "voice"),
    [
        ({}, "default"),
        ({"own_voice": "anna", "sample": VoiceSample(Path("a.flac"), "Hello.")}, "anna"),
        ({"own_voice": "bo", "embedding": np.ones(8, np.float32)}, "bo"),
        ({"embedding": np.ones(8, np.float32)}, OWN_EMBEDDING),
    ],
)
def test_voice_that_spoke_is_named(speech: Speech, change: dict[str, Any], voice: str) -> None:
    plan = replace(speech.plan, order=replace(speech.plan.order, **change))
    content = content_of(replace(speech, plan=plan), with_times=False)
    assert content["model_info"]["voice"] == voice
