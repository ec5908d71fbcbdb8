from collections.abc import Generator
from dataclasses import replace

import numpy as np
import pytest

from audio_svc.listening import (
    SILENCE_WARNING,
    UNDETERMINED,
    check_options,
    listen,
    make_transcript,
)
from audio_svc.transcription.base import (
    Segment,
    SpeechTask,
    TranscriptionOptions,
    TranscriptionTraits,
)
from audio_svc.transcription.memory import FixedTranscription
from fleetserve.errors import InvalidFieldError

PLAIN = TranscriptionOptions()


class Poor(FixedTranscription):
    """Can do as little as the port allows."""

    @property
    def traits(self) -> TranscriptionTraits:
        return replace(
            super().traits,
            tasks=(SpeechTask.TRANSCRIBE,),
            word_times=False,
            max_prompt_tokens=0,
        )


class Wide(FixedTranscription):
    @property
    def traits(self) -> TranscriptionTraits:
        return replace(super().traits, max_beams=8, language_names={"english": "en"})


@pytest.mark.parametrize("language", ["auto", "AUTO", "", " "])
def test_auto_leaves_the_language_to_the_engine(language: str) -> None:
    assert check_options(PLAIN, language, FixedTranscription()).language is None


@pytest.mark.parametrize("language", ["en", "EN", "en-US", "English"])
def test_language_is_taken_by_code_region_and_name(language: str) -> None:
    assert check_options(PLAIN, language, Wide()).language == "en"


@pytest.mark.parametrize(
    ("field", "options", "language"),
    [
        ("language", PLAIN, "klingon"),
        ("task", TranscriptionOptions(task=SpeechTask.TRANSLATE), "en"),
        ("timestamp_granularities", TranscriptionOptions(words=True), "en"),
        ("beam_size", TranscriptionOptions(beam_size=2), "en"),
        ("initial_prompt", TranscriptionOptions(prompt="fox"), "en"),
    ],
)
def test_what_the_engine_cannot_do_is_refused_by_field(
    field: str, options: TranscriptionOptions, language: str
) -> None:
    with pytest.raises(InvalidFieldError) as refused:
        check_options(options, language, Poor())
    assert refused.value.field == field


def test_unknown_language_lists_the_known_ones() -> None:
    with pytest.raises(InvalidFieldError, match="de, en and auto"):
        check_options(PLAIN, "xx", FixedTranscription())


def test_beams_and_temperature_contradict_each_other() -> None:
    with pytest.raises(InvalidFieldError, match="beam_size"):
        check_options(TranscriptionOptions(beam_size=2, temperature=0.5), "en", Wide())


def test_overlong_prompt_is_refused_with_its_length() -> None:
    with pytest.raises(InvalidFieldError, match="11 tokens"):
        check_options(TranscriptionOptions(prompt="a " * 11), "en", FixedTranscription())


def test_segments_are_collected_step_by_step() -> None:
    steps: Generator[None, None, list[Segment]] = listen(
        FixedTranscription(), np.zeros(16000, np.float32), PLAIN
    )
    next(steps)
    with pytest.raises(StopIteration) as ended:
        next(steps)
    assert len(ended.value.value) == 1


def segment(text: str, avg_logprob: float, tokens: int) -> Segment:
    return Segment(0.0, 1.0, text, avg_logprob, "en", tokens=tuple(range(tokens)))


def test_text_joins_the_segments_and_confidence_weighs_their_tokens() -> None:
    made = make_transcript([segment(" One", -1.0, 1), segment(" two.", -0.2, 3)], PLAIN)
    assert made.text == "One two."
    assert made.language == "en"
    assert made.confidence == pytest.approx(np.exp(-0.4))
    assert made.warnings == ()


def test_without_timestamps_no_segments_are_told() -> None:
    made = make_transcript([segment(" One", -1.0, 1)], TranscriptionOptions(timestamps=False))
    assert made.text == "One"
    assert made.segments == ()


@pytest.mark.parametrize("language", [None, "de"])
def test_silence_has_no_text_and_says_so(language: str | None) -> None:
    made = make_transcript([], TranscriptionOptions(language=language), silent=True)
    assert (made.text, made.confidence, made.language) == ("", 0.0, language or UNDETERMINED)
    assert made.warnings == (SILENCE_WARNING,)
