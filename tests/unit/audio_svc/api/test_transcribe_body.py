from typing import Any

import pytest

from audio_svc.api.reading import check_fields
from audio_svc.api.transcribe_body import (
    ResponseFormat,
    TranscribeBody,
    fields_of_form,
    file_of_form,
)
from audio_svc.transcription.base import SpeechTask, TranscriptionOptions
from fleetserve.errors import InvalidFieldError
from fleetserve.multipart import Form


def body(**fields: Any) -> TranscribeBody:
    return check_fields(TranscribeBody, {"model_name": "m", **fields})


def test_defaults_are_those_of_the_contract() -> None:
    made = body()
    assert made.options() == TranscriptionOptions()
    assert (made.language, made.vad, made.response_format) == ("auto", True, ResponseFormat.JSON)


def test_every_field_reaches_the_options() -> None:
    options = body(
        task="translate",
        timestamp_granularities=["segment", "word"],
        beam_size=4,
        temperature=0.0,
        initial_prompt=" Fox. ",
    ).options()
    assert options == TranscriptionOptions(
        task=SpeechTask.TRANSLATE, words=True, beam_size=4, prompt="Fox."
    )


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("segment", False),
        ("word", True),
        ("segment, word", True),
        ('["word"]', True),
        (["word", "segment"], True),
        ([], False),
    ],
)
def test_granularities_are_taken_as_forms_and_json_write_them(value: Any, words: bool) -> None:
    assert body(timestamp_granularities=value).words is words


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("task", "sing"),
        ("beam_size", 0),
        ("vad", "perhaps"),
        ("temperature", 1.5),
        ("response_format", "xml"),
        ("timestamp_granularities", "letter"),
        ("timestamp_granularities", "[word"),
        ("enable_timestamps", "perhaps"),
        ("initial_prompt", "x" * 5000),
        ("speed", 1),
    ],
)
def test_wrong_value_is_refused_by_name(field: str, value: Any) -> None:
    with pytest.raises(InvalidFieldError) as refused:
        body(**{field: value})
    assert refused.value.field.partition(".")[0] == field


@pytest.mark.parametrize(
    "fields",
    [
        {"timestamp_granularities": "word"},
        {"response_format": "srt"},
        {"response_format": "vtt"},
    ],
)
def test_times_cannot_be_told_without_timestamps(fields: dict[str, str]) -> None:
    with pytest.raises(InvalidFieldError, match="enable_timestamps"):
        body(enable_timestamps=False, **fields).options()


def test_form_fields_are_strings_that_the_checks_read() -> None:
    form = Form({"vad": ["false"], "beam_size": ["2"], "timestamp_granularities[]": ["word"]})
    made = check_fields(TranscribeBody, {"model_name": "m", **fields_of_form(form)})
    assert (made.vad, made.beam_size, made.words) == (False, 2, True)


def test_repeated_granularities_of_a_form_are_all_taken() -> None:
    form = Form({"timestamp_granularities[]": ["segment", "word"]})
    assert fields_of_form(form) == {"timestamp_granularities": ["segment", "word"]}


def test_file_is_wanted_under_its_name() -> None:
    assert file_of_form(Form(files={"file": b"x"})) == b"x"
    with pytest.raises(InvalidFieldError, match="file: is missing"):
        file_of_form(Form())
    with pytest.raises(InvalidFieldError, match=r"audio: .*'file'"):
        file_of_form(Form(files={"audio": b"x"}))
