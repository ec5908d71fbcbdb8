"""From an order to a sound file: what is checked, what is spoken, what is done to it."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from audio_svc.audio.encoding import AudioFormat, encode
from audio_svc.audio.loudness import normalize
from audio_svc.audio.prosody import change_pitch, change_speed
from audio_svc.audio.resampling import change_rate
from audio_svc.audio.volume import change_volume
from audio_svc.delivery import deliver
from audio_svc.script import write_script
from audio_svc.sentences import Breath
from audio_svc.speech.base import Samples, SpeechEngine, SpeechTraits, Utterance
from fleetserve.errors import InvalidFieldError

CUT_WARNING = "The model did not come to an end within its bound; the speech may be cut: {text!r}"
QUOTED_CHARS = 60


@dataclass(frozen=True, slots=True)
class SpeechOrder:
    """What is to be spoken, and how it shall sound.

    Attributes:
        speed, pitch, volume: Factors; 1 leaves the engine's samples untouched.
        ssml: The text is markup.
        own_voice: What the voice of the embedding is called, where it has a name.
        loudness_lufs: Of the whole, before volume; None: as the engine speaks.
        sample_rate_hz: None: the engine's own.
    """

    text: str
    audio_format: AudioFormat
    voice: str | None = None
    embedding: Samples | None = field(default=None, compare=False)
    language: str = "en"
    emotion: str | None = None
    speed: float = 1.0
    pitch: float = 1.0
    volume: float = 1.0
    loudness_lufs: float | None = None
    sample_rate_hz: int | None = None
    seed: int | None = None
    ssml: bool = False
    own_voice: str | None = None


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
        return Utterance(breath.text, self.voice, self.order.embedding, self.order.seed)


@dataclass(frozen=True, slots=True)
class Spoken:
    """One breath of speech, as the engine made it."""

    breath: Breath
    samples: Samples
    complete: bool


@dataclass(frozen=True, slots=True)
class SentenceTime:
    """When a breath is heard, in seconds from the file's start."""

    text: str
    start_s: float
    end_s: float


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
    script = write_script(
        order.text, ssml=order.ssml, language=order.language, max_chars=traits.max_chars
    )
    if not script.breaths:
        raise InvalidFieldError("inputs", "there is nothing to say in it")
    voice, warnings = _choose_voice(order, engine)
    _check_emotion(order, traits)
    if order.embedding is not None:
        _check_embedding(order.embedding, traits)
    rate_hz = order.sample_rate_hz or traits.sample_rate_hz
    rates_hz = order.audio_format.rates_hz
    if rate_hz not in rates_hz:
        raise InvalidFieldError(
            "sample_rate", f"{order.audio_format.name} can have {_list_rates(rates_hz)} Hz"
        )
    language = _choose_language(order, traits)
    warnings = (*warnings, *script.warnings)
    return SpeechPlan(
        order, script.breaths, voice, language, traits.sample_rate_hz, rate_hz, warnings
    )


def _choose_voice(order: SpeechOrder, engine: SpeechEngine) -> tuple[str, tuple[str, ...]]:
    """The voice, and what has to be said about it."""
    traits, voices = engine.traits, engine.voices()
    if order.embedding is not None:
        if order.voice is not None:
            raise InvalidFieldError("speaker_embedding", "give it or voice, not both")
        return traits.default_voice, ()
    if order.voice in voices:
        return order.voice, ()
    if order.voice in (None, "default"):
        return traits.default_voice, traits.warnings
    raise InvalidFieldError(
        "voice", f"there is no {order.voice!r}; this model has {', '.join(voices)}"
    )


def _check_emotion(order: SpeechOrder, traits: SpeechTraits) -> None:
    if order.emotion is not None and order.emotion not in traits.emotions:
        raise InvalidFieldError(
            "emotion", f"{traits.family} can do {', '.join(traits.emotions)}, not {order.emotion!r}"
        )


def _choose_language(order: SpeechOrder, traits: SpeechTraits) -> str:
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


def speak(engine: SpeechEngine, plan: SpeechPlan) -> Generator[None, None, list[Spoken]]:
    """Speaks breath by breath in the compute thread; yields where others may compute."""
    spoken: list[Spoken] = []
    for breath in plan.breaths:
        pieces: list[Samples] = []
        complete = True
        for piece in engine.synthesize(plan.utterance(breath)):
            if piece is None:
                yield
            else:
                pieces.append(piece.samples)
                complete = complete and piece.complete
        samples = pieces[0] if len(pieces) == 1 else np.concatenate(pieces)
        spoken.append(Spoken(breath, samples, complete))
    return spoken


def make_file(plan: SpeechPlan, spoken: Sequence[Spoken]) -> SoundFile:
    """Joins, changes and encodes; any thread."""
    order, rate_hz, joined = plan.order, plan.engine_rate_hz, len(spoken) > 1
    samples, places = _join(
        [
            replace(one, samples=deliver(one.samples, rate_hz, one.breath, joined=joined))
            for one in spoken
        ],
        rate_hz,
    )
    times = tuple(
        SentenceTime(text, start / rate_hz / order.speed, end / rate_hz / order.speed)
        for text, start, end in places
    )
    samples = change_speed(samples, rate_hz, order.speed)
    samples = change_pitch(samples, rate_hz, order.pitch)
    samples = change_rate(samples, rate_hz, plan.rate_hz)
    missed = ""
    if order.loudness_lufs is not None:
        samples, missed = normalize(samples, plan.rate_hz, order.loudness_lufs)
    samples = change_volume(samples, order.volume)
    data = encode(samples, plan.rate_hz, order.audio_format)
    return SoundFile(data, len(samples) / plan.rate_hz, times, (missed,) if missed else ())


def _join(spoken: Sequence[Spoken], rate_hz: int) -> tuple[Samples, list[tuple[str, int, int]]]:
    """All breaths with their pauses, and where each begins and ends."""
    parts: list[Samples] = []
    places: list[tuple[str, int, int]] = []
    start = 0
    for one in spoken:
        end = start + len(one.samples)
        places.append((one.breath.text, start, end))
        pause = np.zeros(round(one.breath.pause_s * rate_hz), np.float32)
        parts += [one.samples, pause] if len(pause) else [one.samples]
        start = end + len(pause)
    return (parts[0] if len(parts) == 1 else np.concatenate(parts)), places


def warnings_of(plan: SpeechPlan, spoken: Sequence[Spoken]) -> tuple[str, ...]:
    """What the caller has to know about the result."""
    cut = [one.breath.text[:QUOTED_CHARS] for one in spoken if not one.complete]
    return (*plan.warnings, *(CUT_WARNING.format(text=text) for text in cut))
