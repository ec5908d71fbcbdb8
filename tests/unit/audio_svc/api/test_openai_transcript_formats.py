import orjson
import pytest

from audio_svc.api.openai_transcript_formats import render
from audio_svc.api.transcribe_body import Granularity, ResponseFormat
from audio_svc.listener import Hearing, HearingAsk, Listener
from audio_svc.transcription.base import TranscriptionOptions
from tests.unit.audio_svc.requests import speech, wav

BOTH = (Granularity.SEGMENT, Granularity.WORD)
SEGMENT_FIELDS = {
    "id",
    "seek",
    "start",
    "end",
    "text",
    "tokens",
    "temperature",
    "avg_logprob",
    "compression_ratio",
    "no_speech_prob",
}


@pytest.fixture
async def hearing(listener: Listener) -> Hearing:
    options = TranscriptionOptions(words=True)
    return await listener.hear(
        HearingAsk(
            model="fixed",
            data=wav(speech()),
            field="file",
            language="de",
            options=options,
            gate=True,
            priority=0,
            received_s=0.0,
        )
    )


async def test_verbose_has_every_field_of_openais(hearing: Hearing) -> None:
    raw, media = render(hearing, ResponseFormat.VERBOSE_JSON, BOTH)
    content = orjson.loads(raw)
    assert media == "application/json"
    assert (content["task"], content["language"]) == ("transcribe", "german")
    assert content["duration"] == pytest.approx(len(speech()) / 16000, abs=1e-3)
    assert set(content["segments"][0]) == SEGMENT_FIELDS
    assert content["segments"][0]["text"] == " the quick brown fox"
    assert content["words"][1]["word"] == "quick"
    assert 0.5 < content["words"][1]["start"] < content["words"][1]["end"] < 4.0


async def test_json_is_the_text_and_what_was_heard(hearing: Hearing) -> None:
    raw, _media = render(hearing, ResponseFormat.JSON, BOTH)
    assert orjson.loads(raw) == {
        "text": "the quick brown fox",
        "usage": {"type": "duration", "seconds": pytest.approx(len(speech()) / 16000, abs=1e-3)},
    }
