"""The port of everything that listens."""

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from math import exp
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]


class SpeechTask(StrEnum):
    TRANSCRIBE = "transcribe"
    TRANSLATE = "translate"  # Into English.


@dataclass(frozen=True, slots=True)
class TranscriptionTraits:
    """What an engine can do and what it wants.

    Attributes:
        sample_rate_hz: Of the samples it takes.
        languages: Codes it knows, as in its own files.
        language_names: Lower-case names that are taken for a code too.
        tasks: What it can be asked to do.
        word_times: It can tell when each word was said.
        max_prompt_tokens: Longest prompt; 0: it takes none.
        max_beams: Widest beam search; 1: it decodes greedily.
        window_s: Longest recording that it hears well at one time; longer ones come in chunks.
    """

    family: str
    sample_rate_hz: int
    languages: tuple[str, ...]
    tasks: tuple[SpeechTask, ...]
    device: str
    word_times: bool = False
    max_prompt_tokens: int = 0
    max_beams: int = 1
    window_s: float = 30.0
    language_names: Mapping[str, str] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True)
class TranscriptionOptions:
    """How to listen.

    Attributes:
        language: One of the engine's codes; None: found out from the audio.
        timestamps: Tell segments by time; without it short audio is one segment.
        words: Tell the time of each word too.
        temperature: 0 decodes the likeliest text, and tries higher ones where that makes no
            sense; above, tokens are drawn.
        prompt: Text that sets the style and the spelling of names.
    """

    language: str | None = None
    task: SpeechTask = SpeechTask.TRANSCRIBE
    timestamps: bool = True
    words: bool = False
    beam_size: int = 1
    temperature: float = 0.0
    prompt: str = ""


@dataclass(frozen=True, slots=True)
class Word:
    """Times in seconds from the start of the recording."""

    word: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Segment:
    """What was said between two times.

    Attributes:
        text: As the engine writes it, with its leading space: segments join without one.
        tokens: The engine's own ids, without special ones.
        avg_logprob: Mean natural logarithm of the tokens' probabilities.
        language_probability: None: the language was told, not found out.
        temperature: That its tokens were chosen with.
    """

    start_s: float
    end_s: float
    text: str
    avg_logprob: float
    language: str
    language_probability: float | None = None
    tokens: tuple[int, ...] = ()
    words: tuple[Word, ...] = field(default=())
    temperature: float = 0.0

    @property
    def confidence(self) -> float:
        """0 to 1: the geometric mean of the tokens' probabilities."""
        return exp(min(0.0, self.avg_logprob))


def compression_ratio(text: str) -> float:
    """How much smaller zlib makes it; above 2.4 a text repeats itself. 0 for nothing."""
    raw = text.encode()
    return len(raw) / len(zlib.compress(raw)) if raw else 0.0


class TranscriptionEngine(Protocol):
    """A loaded model that listens.

    Threads: ``transcribe`` is stepped in the compute thread; the rest is immutable and may be
    called from anywhere.
    """

    @property
    def traits(self) -> TranscriptionTraits: ...

    def count_prompt_tokens(self, prompt: str) -> int: ...

    def transcribe(
        self, samples: Samples, options: TranscriptionOptions
    ) -> Iterator[Segment | None]:
        """Segments in the order of time; None where other work may be done meanwhile.

        samples: float32 [n], mono, in [-1, 1], at the engine's rate, n > 0.
        """
        ...
