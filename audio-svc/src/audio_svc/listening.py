"""From an order to a transcript: what is checked, what is heard."""

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from math import exp

from audio_svc.chunks import Chunk
from audio_svc.tape import Tape
from audio_svc.transcription.base import (
    Segment,
    TranscriptionEngine,
    TranscriptionOptions,
    TranscriptionTraits,
)
from fleetserve.errors import InvalidFieldError

AUTO = "auto"
UNDETERMINED = "und"
SURE_LOGPROB = -0.7  # A mean probability of one half.
SILENCE_WARNING = "No speech was found; the model was not asked. `vad` false asks it all the same."


@dataclass(frozen=True, slots=True)
class Transcript:
    """What was said.

    Attributes:
        language: Told or found out; "und" (ISO 639) where nothing was said and none was told.
        confidence: 0 to 1, the geometric mean over all tokens; 0 where nothing was said.
    """

    text: str
    segments: tuple[Segment, ...]
    language: str
    confidence: float
    warnings: tuple[str, ...] = ()


def check_options(
    options: TranscriptionOptions, language: str, engine: TranscriptionEngine
) -> TranscriptionOptions:
    """The options with the language as the engine names it.

    Raises: InvalidFieldError: what the engine can't do, and what it can.
    """
    traits = engine.traits
    code = _choose_language(language, traits)
    if options.task not in traits.tasks:
        raise InvalidFieldError("task", f"this model can {' and '.join(traits.tasks)}")
    if options.words and not traits.word_times:
        raise InvalidFieldError(
            "timestamp_granularities", "this model can't tell the times of words; use segment"
        )
    if options.beam_size > traits.max_beams:
        raise InvalidFieldError("beam_size", f"this model takes 1 to {traits.max_beams}")
    if options.beam_size > 1 and options.temperature > 0:
        raise InvalidFieldError(
            "beam_size", "with a temperature above 0 tokens are drawn, not searched: give one"
        )
    if options.prompt:
        _check_prompt(options.prompt, engine)
    return replace(options, language=code)


def _choose_language(language: str, traits: TranscriptionTraits) -> str | None:
    asked = language.strip().lower()
    if asked in ("", AUTO):
        return None
    code = traits.language_names.get(asked, asked.replace("_", "-").partition("-")[0])
    if code not in traits.languages:
        raise InvalidFieldError(
            "language",
            f"this model knows {', '.join(traits.languages)} and auto, not {language!r}",
        )
    return code


def _check_prompt(prompt: str, engine: TranscriptionEngine) -> None:
    most = engine.traits.max_prompt_tokens
    if most == 0:
        raise InvalidFieldError("initial_prompt", "this model takes none")
    count = engine.count_prompt_tokens(prompt)
    if count > most:
        raise InvalidFieldError(
            "initial_prompt", f"it is {count} tokens long, this model takes at most {most}"
        )


@dataclass(frozen=True, slots=True)
class Heard:
    """What one chunk brought.

    Attributes:
        until_s: How much of the recording is done.
    """

    segments: tuple[Segment, ...]
    until_s: float


def listen(
    engine: TranscriptionEngine,
    tape: Tape,
    chunks: Sequence[Chunk],
    options: TranscriptionOptions,
) -> Iterator[Heard | None]:
    """Listens in the compute thread, chunk by chunk; None where others may compute.

    The first chunk in which something is said settles the language of all; what was said last
    is the next one's prompt, behind the caller's own.
    """
    probability: float | None = None
    said: tuple[Segment, ...] = ()
    for chunk in chunks:
        asked = replace(options, prompt=_prompt(options.prompt, said, engine))
        said = yield from _hear_one(engine, chunk, tape, asked)
        if said and options.language is None:
            options = replace(options, language=said[0].language)
            probability = said[0].language_probability
        said = tuple(replace(one, language_probability=probability) for one in said)
        yield Heard(said, chunk.end_s)


def _hear_one(
    engine: TranscriptionEngine, chunk: Chunk, tape: Tape, options: TranscriptionOptions
) -> Generator[None, None, tuple[Segment, ...]]:
    samples = yield from tape.cut(chunk)
    found: list[Segment] = []
    for segment in engine.transcribe(samples, options):
        if segment is None:
            yield
        else:
            found.append(chunk.place(segment))
    return tuple(found)


def _prompt(own: str, said: Sequence[Segment], engine: TranscriptionEngine) -> str:
    """The caller's prompt and what was said just before, as far as the engine has room for it.

    Text the engine was not sure of is left out: a model that is lost stays lost if it is told
    its own words again.
    """
    most = engine.traits.max_prompt_tokens // 2
    if not most or not said or any(one.avg_logprob < SURE_LOGPROB for one in said):
        return own
    words = "".join(one.text for one in said).split()
    while words:
        prompt = f"{own} {' '.join(words)}".strip()
        if engine.count_prompt_tokens(prompt) <= most:
            return prompt
        words = words[len(words) // 4 + 1 :]
    return own


def make_transcript(
    segments: Sequence[Segment], options: TranscriptionOptions, *, silent: bool = False
) -> Transcript:
    """The whole of it. Without timestamps there are no segments to tell."""
    text = "".join(segment.text for segment in segments).strip()
    language = segments[0].language if segments else options.language or UNDETERMINED
    weights = [max(1, len(segment.tokens)) for segment in segments]
    total = sum(
        segment.avg_logprob * weight for segment, weight in zip(segments, weights, strict=True)
    )
    confidence = exp(min(0.0, total / sum(weights))) if segments else 0.0
    told = tuple(segments) if options.timestamps else ()
    return Transcript(text, told, language, confidence, (SILENCE_WARNING,) if silent else ())
