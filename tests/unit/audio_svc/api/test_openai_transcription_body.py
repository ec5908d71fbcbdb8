from typing import Any

import pytest

from audio_svc.api.openai_transcription_body import TranscriptionForm, TranslationForm
from audio_svc.api.reading import check_fields
from audio_svc.api.transcribe_body import Granularity, ResponseFormat
from fleetserve.errors import InvalidFieldError

VERBOSE = {"response_format": "verbose_json"}


def read(**fields: Any) -> TranscriptionForm:
    return check_fields(TranscriptionForm, {"model": "m", **fields})


def test_defaults_are_openais() -> None:
    form = read()
    native = form.native()
    assert (native.model_name, native.language, native.task) == ("m", "auto", "transcribe")
    assert (native.response_format, form.streams) == (ResponseFormat.JSON, False)
    assert form.times == native.timestamp_granularities == (Granularity.SEGMENT,)


def test_fields_reach_our_own() -> None:
    native = read(
        prompt="Names", temperature="0.5", language="en", beam_size="3", vad="false", timeout="9"
    ).native()
    assert (native.initial_prompt, native.temperature, native.language) == ("Names", 0.5, "en")
    assert (native.beam_size, native.vad, native.timeout) == (3, False, 9.0)


@pytest.mark.parametrize("given", ["word,segment", '["word","segment"]', ["word", "segment"]])
def test_granularities_come_in_every_spelling(given: Any) -> None:
    form = read(timestamp_granularities=given, **VERBOSE)
    assert form.times == (Granularity.WORD, Granularity.SEGMENT)
    assert form.native().words


def test_translation_is_into_english() -> None:
    form = check_fields(TranslationForm, {"model": "m", "prompt": "Names"})
    native = form.native()
    assert (native.task, native.initial_prompt, form.streams) == ("translate", "Names", False)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"response_format": "diarized_json"}, "response_format"),
        ({"timestamp_granularities": "word"}, "timestamp_granularities"),
        ({"stream": "true", "response_format": "srt"}, "response_format"),
        ({"temperature": "1.5"}, "temperature"),
        ({"include": "logprobs"}, "include"),
        ({"chunking_strategy": '{"type":"server_vad"}'}, "chunking_strategy"),
        ({"beam_size": "99"}, "beam_size"),
    ],
)
def test_what_can_not_be_done_is_named(fields: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidFieldError) as raised:
        read(**fields).native()
    assert raised.value.field == field


@pytest.mark.parametrize("field", ["language", "stream", "timestamp_granularities"])
def test_translation_has_no_such_field(field: str) -> None:
    with pytest.raises(InvalidFieldError, match="no such field"):
        check_fields(TranslationForm, {"model": "m", field: "en"})
