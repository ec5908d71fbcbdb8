"""When a text of Whisper's makes no sense, and what is tried then.

Source: Radford et al. 2022, section 4.5, with its thresholds.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from audio_svc.transcription.base import Segment, TranscriptionOptions, compression_ratio

TEMPERATURES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
REPEATS = 2.4  # A text that zlib makes smaller than that repeats itself.
UNLIKELY = -1.0  # Mean natural logarithm of the tokens' probabilities.
NO_SPEECH = 0.6


@dataclass(frozen=True, slots=True)
class Attempt:
    """What was heard at one temperature."""

    segments: tuple[Segment, ...]

    @property
    def avg_logprob(self) -> float:
        """Over all tokens; 0 where nothing was said."""
        counts = [max(1, len(one.tokens)) for one in self.segments]
        total = sum(
            one.avg_logprob * count for one, count in zip(self.segments, counts, strict=True)
        )
        return total / sum(counts) if counts else 0.0

    @property
    def repeats(self) -> bool:
        return compression_ratio("".join(one.text for one in self.segments)) > REPEATS

    @property
    def unlikely(self) -> bool:
        return self.avg_logprob < UNLIKELY

    @property
    def makes_sense(self) -> bool:
        return not self.repeats and not self.unlikely


def temperatures_of(options: TranscriptionOptions) -> tuple[float, ...]:
    """Those that are tried in turn; one that was asked for is kept to."""
    return (options.temperature,) if options.temperature > 0 else TEMPERATURES


def best_of(attempts: Sequence[Attempt]) -> Attempt:
    """Where none makes sense: the likeliest, of those that don't repeat themselves if there are."""
    return max(attempts, key=lambda one: (not one.repeats, one.avg_logprob))
