"""From an order to a sound file: what is checked, what is spoken, what is done to it."""

from collections import deque
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from audio_svc.audio.encoding import AudioFormat, encode
from audio_svc.audio.loudness import normalize
from audio_svc.audio.prosody import change_pitch, change_speed
from audio_svc.audio.resampling import change_rate
from audio_svc.audio.volume import change_volume
from audio_svc.delivery import deliver
from audio_svc.script import write_script
from audio_svc.sentences import BREATH_CHARS, SENTENCE_CHARS, Breath
from audio_svc.speech.base import (
    Reading,
    Samples,
    SharedSpeech,
    SpeechEngine,
    SpeechPiece,
    SpeechTraits,
    SpokenWord,
    Utterance,
    VoiceSample,
)
from fleetserve.errors import InvalidFieldError
from fleetserve.replica.shared_step import SharedStep

CUT_WARNING = "The model did not come to an end within its bound; the speech may be cut: {text!r}"
QUOTED_CHARS = 60
# Breaths of one order that share steps. A stream's first is alone, so that it is heard soon.
TOGETHER = 4
STREAMED_TOGETHER = 2


@dataclass(frozen=True, slots=True)
class SpeechOrder:
    """What is to be spoken, and how it shall sound.

    Attributes:
        speed, pitch, volume: Factors; 1 leaves the engine's samples untouched.
        language: None: English where the engine speaks it, else its own.
        ssml: The text is markup.
        own_voice: What the voice of the embedding or the sample is called, where it has a name.
        loudness_lufs: Of the whole, before volume; None: as the engine speaks.
        sample_rate_hz: None: the engine's own.
        by_sentence: Each sentence is a breath of its own, so that the first is ready soon.
    """

    text: str
    audio_format: AudioFormat
    voice: str | None = None
    embedding: Samples | None = field(default=None, compare=False)
    language: str | None = None
    emotion: str | None = None
    speed: float = 1.0
    pitch: float = 1.0
    volume: float = 1.0
    loudness_lufs: float | None = None
    sample_rate_hz: int | None = None
    seed: int | None = None
    by_sentence: bool = False
    ssml: bool = False
    own_voice: str | None = None
    sample: VoiceSample | None = None


@dataclass(frozen=True, slots=True)
class SpeechPlan:
    """An order that the engine can carry out."""

    order: SpeechOrder
    breaths: tuple[Breath, ...]
    voice: str
    language: str
    engine_rate_hz: int
    rate_hz: int
    warnings: tuple[str, ...]

    def utterance(self, breath: Breath) -> Utterance:
        # Each breath is read under the same seed, so that each equals the library's reading.
        order = self.order
        return Utterance(breath.text, self.voice, order.embedding, order.seed, order.sample)


@dataclass(frozen=True, slots=True)
class Spoken:
    """One breath of speech, as the engine made it; ``words`` as SpeechPiece has them."""

    breath: Breath
    samples: Samples
    complete: bool
    words: tuple[SpokenWord, ...] = ()


@dataclass(frozen=True, slots=True)
class SentenceTime:
    """When a breath and its words are heard, in seconds from the file's start."""

    text: str
    start_s: float
    end_s: float
    words: tuple[SpokenWord, ...] = ()


@dataclass(frozen=True, slots=True)
class SoundFile:
    """What the caller gets."""

    data: bytes
    duration_s: float
    times: tuple[SentenceTime, ...]
    warnings: tuple[str, ...] = ()


def plan_speech(order: SpeechOrder, engine: SpeechEngine) -> SpeechPlan:
    """Raises: InvalidFieldError: what the engine can't do, and what it can."""
    traits = engine.traits
    language = _choose_language(order, traits)
    voice, warning = _choose_voice(order, engine, language)
    _check_emotion(order, traits)
    if order.embedding is not None:
        _check_embedding(order.embedding, traits)
    rate_hz = order.sample_rate_hz or traits.sample_rate_hz
    rates_hz = order.audio_format.rates_hz
    if rate_hz not in rates_hz:
        raise InvalidFieldError(
            "sample_rate", f"{order.audio_format.name} can have {_list_rates(rates_hz)} Hz"
        )
    script = write_script(
        order.text,
        ssml=order.ssml,
        language=language,
        max_chars=traits.max_chars,
        breath_chars=SENTENCE_CHARS if order.by_sentence else BREATH_CHARS,
    )
    if not script.breaths:
        raise InvalidFieldError("inputs", "there is nothing to say in it")
    warnings = (*traits.warnings, *([warning] if warning else []), *script.warnings)
    return SpeechPlan(
        order, script.breaths, voice, language, traits.sample_rate_hz, rate_hz, warnings
    )


def _choose_voice(order: SpeechOrder, engine: SpeechEngine, language: str) -> tuple[str, str]:
    """The voice, and what has to be said about it."""
    traits, voices = engine.traits, engine.voices()
    if order.embedding is not None:
        if order.voice is not None:
            raise InvalidFieldError("speaker_embedding", "give it or voice, not both")
        return traits.default_voice, ""
    if order.sample is not None:
        return traits.default_voice, ""
    if order.voice in voices:
        return order.voice, ""
    if order.voice in (None, "default"):
        voice = traits.language_voices.get(language, traits.default_voice)
        return voice, traits.default_voice_warning
    raise InvalidFieldError(
        "voice", f"there is no {order.voice!r}; this model has {', '.join(voices)}"
    )


def _check_emotion(order: SpeechOrder, traits: SpeechTraits) -> None:
    if order.emotion is not None and order.emotion not in traits.emotions:
        raise InvalidFieldError(
            "emotion", f"{traits.family} can do {', '.join(traits.emotions)}, not {order.emotion!r}"
        )


def _choose_language(order: SpeechOrder, traits: SpeechTraits) -> str:
    if order.language is None:
        return "en" if "en" in traits.languages else traits.languages[0]
    code = order.language.lower().replace("_", "-").partition("-")[0]
    if code not in traits.languages:
        raise InvalidFieldError(
            "language", f"this model speaks {', '.join(traits.languages)}, not {order.language!r}"
        )
    return code


def _check_embedding(embedding: Samples, traits: SpeechTraits) -> None:
    size = traits.embedding_size
    if size == 0:
        raise InvalidFieldError("speaker_embedding", f"{traits.family} takes none; name a voice")
    if embedding.shape != (size,):
        raise InvalidFieldError(
            "speaker_embedding", f"wants {size} numbers, not {embedding.shape[0]}"
        )
    if not np.isfinite(embedding).all() or not embedding.any():
        raise InvalidFieldError("speaker_embedding", "the numbers are not finite, or all zero")


def _list_rates(rates_hz: Sequence[int]) -> str:
    if len(rates_hz) == rates_hz[-1] - rates_hz[0] + 1:
        return f"{rates_hz[0]} to {rates_hz[-1]}"
    return ", ".join(map(str, rates_hz))


Rest = SharedStep | None
"""Where others may compute, and perhaps take a step together."""


def speak(engine: SpeechEngine, plan: SpeechPlan) -> Generator[Rest, None, list[Spoken]]:
    """All breaths; yields where others may compute."""
    spoken: list[Spoken] = []
    for one in speak_breaths(engine, plan):
        if isinstance(one, Spoken):
            spoken.append(one)
        else:
            yield one
    return spoken


def speak_breaths(engine: SpeechEngine, plan: SpeechPlan) -> Iterator[Spoken | Rest]:
    """Speaks in the compute thread, in the order of the text."""
    if isinstance(engine, SharedSpeech):
        yield from _speak_together(engine, plan)
        return
    for breath in plan.breaths:
        pieces: list[SpeechPiece] = []
        for piece in engine.synthesize(plan.utterance(breath)):
            if piece is None:
                yield None
            else:
                pieces.append(piece)
        yield _spoken(breath, pieces, plan.engine_rate_hz)


def _spoken(breath: Breath, pieces: Sequence[SpeechPiece], rate_hz: int) -> Spoken:
    samples = pieces[0].samples
    if len(pieces) > 1:
        samples = np.concatenate([piece.samples for piece in pieces])
    words: list[SpokenWord] = []
    count = 0
    for piece in pieces:
        words += [word.placed(count / rate_hz) for word in piece.words]
        count += len(piece.samples)
    return Spoken(breath, samples, all(piece.complete for piece in pieces), tuple(words))


def _speak_together(engine: SharedSpeech, plan: SpeechPlan) -> Iterator[Spoken | Rest]:
    """Several breaths at once, with those of other orders."""
    waiting = deque(plan.breaths)
    going: deque[tuple[Breath, Reading]] = deque()
    together = 1 if plan.order.by_sentence else TOGETHER
    while waiting or going:
        if waiting and len(going) < together:
            breath = waiting.popleft()
            going.append((breath, engine.open(plan.utterance(breath))))
            yield None
        elif going[0][1].ended:
            breath, reading = going.popleft()
            piece: SpeechPiece = engine.finish(reading)
            yield _spoken(breath, [piece], plan.engine_rate_hz)
            together = STREAMED_TOGETHER if plan.order.by_sentence else TOGETHER
        else:
            yield SharedStep(engine.advance, [one for _, one in going if not one.ended])


def make_file(plan: SpeechPlan, spoken: Sequence[Spoken]) -> SoundFile:
    """Joins, changes and encodes; any thread."""
    order, rate_hz, joined = plan.order, plan.engine_rate_hz, len(spoken) > 1
    said = [delivered(one, rate_hz, joined=joined) for one in spoken]
    samples, starts = _join(said, rate_hz)
    times = tuple(
        time_of(one, start / rate_hz / order.speed, plan)
        for one, start in zip(said, starts, strict=True)
    )
    samples = change_voice(samples, plan)
    samples = change_rate(samples, rate_hz, plan.rate_hz)
    missed = ""
    if order.loudness_lufs is not None:
        samples, missed = normalize(samples, plan.rate_hz, order.loudness_lufs)
    samples = change_volume(samples, order.volume)
    data = encode(samples, plan.rate_hz, order.audio_format)
    return SoundFile(data, len(samples) / plan.rate_hz, times, (missed,) if missed else ())


def delivered(spoken: Spoken, rate_hz: int, *, joined: bool) -> Spoken:
    """As deliver() has it, the times of its words too."""
    breath = spoken.breath
    return replace(
        spoken,
        samples=deliver(spoken.samples, rate_hz, breath, joined=joined),
        words=tuple(word.placed(breath.lead_s, breath.manner.speed) for word in spoken.words),
    )


def time_of(said: Spoken, start_s: float, plan: SpeechPlan) -> SentenceTime:
    """Of a delivered breath that begins in the file at ``start_s``."""
    speed = plan.order.speed
    end_s = start_s + len(said.samples) / plan.engine_rate_hz / speed
    words = tuple(word.placed(start_s, speed) for word in said.words)
    return SentenceTime(said.breath.text, start_s, end_s, words)


def change_voice(samples: Samples, plan: SpeechPlan) -> Samples:
    """Speed and pitch, at the engine's rate."""
    samples = change_speed(samples, plan.engine_rate_hz, plan.order.speed)
    return change_pitch(samples, plan.engine_rate_hz, plan.order.pitch)


def _join(spoken: Sequence[Spoken], rate_hz: int) -> tuple[Samples, list[int]]:
    """All breaths with their pauses, and where each begins."""
    parts: list[Samples] = []
    starts: list[int] = []
    start = 0
    for one in spoken:
        starts.append(start)
        pause = np.zeros(round(one.breath.pause_s * rate_hz), np.float32)
        parts += [one.samples, pause] if len(pause) else [one.samples]
        start += len(one.samples) + len(pause)
    return (parts[0] if len(parts) == 1 else np.concatenate(parts)), starts


def warnings_of(plan: SpeechPlan, spoken: Sequence[Spoken]) -> tuple[str, ...]:
    """What the caller has to know about the result."""
    return (*plan.warnings, *(cut_warning(one) for one in spoken if not one.complete))


def cut_warning(spoken: Spoken) -> str:
    return CUT_WARNING.format(text=spoken.breath.text[:QUOTED_CHARS])
