from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from audio_svc.chunks import Chunk
from audio_svc.listening import (
    SILENCE_WARNING,
    UNDETERMINED,
    Heard,
    check_options,
    listen,
    make_transcript,
)
from audio_svc.tape import Tape
from audio_svc.transcription.base import (
    Samples,
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


class Telling(FixedTranscription):
    """Notes what it was asked, and is as sure as it is told."""

    def __init__(self, logprob: float = -0.1) -> None:
        super().__init__()
        self.asked: list[TranscriptionOptions] = []
        self._logprob = logprob

    def transcribe(
        self, samples: Samples, options: TranscriptionOptions
    ) -> Iterator[Segment | None]:
        self.asked.append(options)
        for one in super().transcribe(samples, options):
            yield one and replace(one, avg_logprob=self._logprob)


CHUNKS = [Chunk(((0, 16000),), 16000), Chunk(((32000, 48000),), 16000)]


def silence() -> Tape:
    return Tape(iter([np.zeros(48000, np.float32)]))


def hear_two(engine: FixedTranscription, options: TranscriptionOptions) -> list[Heard]:
    steps = listen(engine, silence(), CHUNKS, options)
    return [one for one in steps if one is not None]


def test_chunks_are_heard_step_by_step_with_the_times_of_the_file() -> None:
    steps = listen(FixedTranscription(), silence(), CHUNKS, PLAIN)
    assert next(steps) is None
    first, second = hear_two(FixedTranscription(), PLAIN)
    assert [(one.start_s, one.end_s) for one in first.segments] == [(0.0, 1.0)]
    assert [(one.start_s, one.end_s) for one in second.segments] == [(2.0, 3.0)]
    assert (first.until_s, second.until_s) == (1.0, 3.0)


def test_first_chunk_settles_the_language_of_the_file() -> None:
    engine = Telling()
    heard = hear_two(engine, TranscriptionOptions())
    assert [one.language for one in engine.asked] == [None, "en"]
    assert [one.segments[0].language_probability for one in heard] == [1.0, 1.0]


def test_what_was_said_is_the_next_prompt_behind_the_callers_own() -> None:
    engine = Telling()
    hear_two(engine, TranscriptionOptions(prompt="Fox."))
    assert [one.prompt for one in engine.asked] == ["Fox.", "Fox. the quick brown fox"]


def test_what_the_engine_was_not_sure_of_is_no_prompt() -> None:
    engine = Telling(logprob=-2.0)
    hear_two(engine, TranscriptionOptions())
    assert [one.prompt for one in engine.asked] == ["", ""]


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
