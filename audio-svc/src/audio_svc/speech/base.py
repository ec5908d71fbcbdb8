"""The port of everything that speaks."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class SpeechTraits:
    """What an engine can do and what it gives.

    Attributes:
        sample_rate_hz: Of what it makes.
        languages: ISO 639-1 codes.
        emotions: Names it takes; the first is what it does unasked.
        max_chars: Longest text of one utterance.
        embedding_size: Floats of a speaker embedding; 0: it takes none.
        default_voice: Spoken when none is asked for.
        language_voices: The same for a language that has one of its own.
        warnings: What every answer of this model has to tell.
        default_voice_warning: What those have to tell that are spoken in it unasked.
        takes_samples: It speaks in the voice of a recording.
    """

    family: str
    sample_rate_hz: int
    languages: tuple[str, ...]
    max_chars: int
    default_voice: str
    device: str
    embedding_size: int = 0
    emotions: tuple[str, ...] = ("neutral",)
    warnings: tuple[str, ...] = ()
    language_voices: Mapping[str, str] = field(default_factory=dict)
    default_voice_warning: str = ""
    takes_samples: bool = False


@dataclass(frozen=True, slots=True)
class VoiceSample:
    """A recording of a voice, some seconds long: a sound file, and what is said in it."""

    path: Path
    transcript: str


@dataclass(frozen=True, slots=True)
class Utterance:
    """One text to be spoken in one breath.

    Attributes:
        voice: One of the engine's voices().
        embedding: A voice of the caller's own, float32 [embedding_size]; it wins over voice.
        seed: The same seed gives the same samples; None: another reading each time.
        sample: As embedding, of an engine that takes_samples.
    """

    text: str
    voice: str
    embedding: Samples | None = field(default=None, compare=False)
    seed: int | None = None
    sample: VoiceSample | None = None


@dataclass(frozen=True, slots=True)
class SpokenWord:
    """A word as the text has it, without the signs around it; seconds from the sound's start."""

    word: str
    start_s: float
    end_s: float

    def placed(self, start_s: float, speed: float = 1.0) -> "SpokenWord":
        """The same where its sound is changed to ``speed`` and begins at ``start_s``."""
        return SpokenWord(self.word, start_s + self.start_s / speed, start_s + self.end_s / speed)


@dataclass(frozen=True, slots=True)
class SpeechPiece:
    """Audio in the order of the text.

    Attributes:
        samples: float32 [n], mono, in [-1, 1], at the engine's rate.
        complete: False: the engine reached its bound before the text's end.
        words: Those that are said in it, in their order; none where the engine can't tell.
    """

    samples: Samples
    complete: bool = True
    words: tuple[SpokenWord, ...] = ()


class SpeechEngine(Protocol):
    """A loaded model that speaks.

    Threads: ``synthesize`` is stepped in the compute thread; the rest is immutable.
    Each step is short; several utterances may be stepped in turn.
    """

    @property
    def traits(self) -> SpeechTraits: ...

    def voices(self) -> tuple[str, ...]:
        """Names that an utterance may carry, the default one first."""
        ...

    def synthesize(self, utterance: Utterance) -> Iterator[SpeechPiece | None]:
        """Pieces as they are ready; None where other work may be done meanwhile."""
        ...


class Reading(Protocol):
    """One utterance on its way through an engine with shared steps; compute thread only."""

    @property
    def ended(self) -> bool:
        """It takes no more steps."""
        ...


@runtime_checkable
class SharedSpeech(Protocol):
    """What a SpeechEngine has besides, if several utterances can take a step together.

    Compute thread only. The samples equal those of synthesize() but for rounding (1e-4),
    whatever shares the steps.
    """

    def open(self, utterance: Utterance) -> Any:
        """A Reading. Raises: InvalidFieldError: as synthesize."""
        ...

    def advance(self, readings: Sequence[Any]) -> None:
        """A step of each; readings of this engine that have not ended."""
        ...

    def finish(self, reading: Any) -> SpeechPiece:
        """What one that has ended became."""
        ...
