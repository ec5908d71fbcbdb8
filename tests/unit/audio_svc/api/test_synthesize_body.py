from typing import Any

import numpy as np
import pytest

from audio_svc.api.reading import check_fields
from audio_svc.api.synthesize_body import StreamFormat, SynthesizeBody, find_format
from audio_svc.audio.encoding import FORMATS
from fleetserve.errors import InvalidFieldError, PayloadTooLargeError

MAX_CHARS = 5000
WAV = FORMATS["wav"]


def body(**fields: Any) -> SynthesizeBody:
    return check_fields(SynthesizeBody, {"model_name": "m", "inputs": "Hello.", **fields})


def test_every_field_reaches_the_order() -> None:
    order = body(
        voice="v",
        speed=1.5,
        pitch=0.8,
        volume=0.5,
        language="en-GB",
        emotion="neutral",
        sample_rate=24000,
        seed=7,
    ).order(WAV, MAX_CHARS)
    assert order.text == "Hello."
    assert (order.voice, order.language, order.emotion) == ("v", "en-GB", "neutral")
    assert (order.speed, order.pitch, order.volume) == (1.5, 0.8, 0.5)
    assert (order.sample_rate_hz, order.seed, order.audio_format) == (24000, 7, WAV)


def test_text_is_the_older_name_of_inputs() -> None:
    made = check_fields(SynthesizeBody, {"model": "m", "text": "Hi."})
    assert made.inputs == "Hi."


def test_embedding_becomes_an_array() -> None:
    order = body(speaker_embedding=[0.5] * 512).order(WAV, MAX_CHARS)
    assert order.embedding is not None
    assert order.embedding.shape == (512,)
    assert order.embedding.dtype == np.float32


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("speed", 0.49),
        ("speed", 2.01),
        ("pitch", 0.4),
        ("pitch", 3),
        ("volume", 0.05),
        ("volume", 2.5),
        ("sample_rate", 7999),
        ("sample_rate", 96000),
        ("seed", -1),
        ("seed", 1.5),
        ("inputs", ["a"]),
        ("inputs", None),
        ("speaker_embedding", []),
        ("speaker_embedding", "near.npy"),
        ("voices", "x"),
    ],
)
def test_value_out_of_range_or_of_a_wrong_type_is_refused_by_name(field: str, value: Any) -> None:
    with pytest.raises(InvalidFieldError) as refused:
        body(**{field: value})
    assert refused.value.field.partition(".")[0] == field


def test_missing_text_is_refused_by_name() -> None:
    with pytest.raises(InvalidFieldError, match="inputs"):
        check_fields(SynthesizeBody, {"model_name": "m"})


def test_text_at_the_bound_is_spoken_and_beyond_it_is_too_large() -> None:
    body(inputs="x" * MAX_CHARS).order(WAV, MAX_CHARS)
    with pytest.raises(PayloadTooLargeError, match="5001"):
        body(inputs="x" * (MAX_CHARS + 1)).order(WAV, MAX_CHARS)


@pytest.mark.parametrize(
    ("fields", "events_accepted", "expected"),
    [
        ({}, False, None),
        ({}, True, StreamFormat.SSE),
        ({"stream": True}, False, StreamFormat.AUDIO),
        ({"stream": True, "stream_format": "sse"}, False, StreamFormat.SSE),
        ({"stream_format": "audio"}, True, StreamFormat.AUDIO),
    ],
)
def test_to_name_the_way_of_streaming_is_to_ask_for_it(
    fields: dict[str, Any], events_accepted: bool, expected: StreamFormat | None
) -> None:
    assert body(**fields).streamed(events_accepted=events_accepted) is expected


def test_streamed_speech_is_spoken_sentence_by_sentence() -> None:
    assert body().order(WAV, MAX_CHARS, StreamFormat.AUDIO).by_sentence
    assert not body().order(WAV, MAX_CHARS).by_sentence


@pytest.mark.parametrize(
    ("fields", "streamed"),
    [
        ({"normalize_lufs": -16}, StreamFormat.SSE),
        ({"return_timestamps": True}, StreamFormat.AUDIO),
    ],
)
def test_what_a_stream_cannot_have_is_refused(
    fields: dict[str, Any], streamed: StreamFormat
) -> None:
    with pytest.raises(InvalidFieldError, match="stream"):
        body(**fields).order(WAV, MAX_CHARS, streamed)


@pytest.mark.parametrize(
    ("fields", "ssml"),
    [
        ({}, False),
        ({"inputs": "<speak>Hi</speak>"}, True),
        ({"inputs": "<speak>Hi</speak>", "input_type": "text"}, False),
        ({"inputs": "Hi", "input_type": "ssml"}, True),
    ],
)
def test_markup_is_known_by_its_field_or_its_beginning(fields: dict[str, Any], ssml: bool) -> None:
    assert body(**fields).order(WAV, MAX_CHARS).ssml is ssml


@pytest.mark.parametrize("value", [-61, -4, 0])
def test_loudness_out_of_range_is_refused(value: float) -> None:
    with pytest.raises(InvalidFieldError, match="normalize_lufs"):
        body(normalize_lufs=value)
    assert body(normalize_lufs=-23).order(WAV, MAX_CHARS).loudness_lufs == -23


def test_formats_are_found_in_any_case_and_others_are_listed() -> None:
    assert find_format("MP3").name == "mp3"
    with pytest.raises(InvalidFieldError, match=r"'wma'.*wav, flac, mp3, ogg, opus, aac, pcm"):
        find_format("wma")


def test_aac_names_the_extra_where_that_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(FORMATS, "aac")
    with pytest.raises(InvalidFieldError, match="'codecs'"):
        find_format("AAC")
