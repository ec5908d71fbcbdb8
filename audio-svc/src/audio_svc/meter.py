"""How fast this replica speaks and listens, measured since it started."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from fleetserve.dashboard.view import Tile

RECENT = 20  # So many requests does the dashboard's factor look back on.


@dataclass(slots=True)
class Pace:
    """Requests of one kind; event loop only."""

    requests: int = 0
    audio_s: float = 0.0
    processing_s: float = 0.0
    compute_s: float = 0.0
    recent: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=RECENT))

    def count(self, audio_s: float, processing_s: float, compute_s: float) -> None:
        self.requests += 1
        self.audio_s += audio_s
        self.processing_s += processing_s
        self.compute_s += compute_s
        self.recent.append((audio_s, processing_s))

    @property
    def recent_factor(self) -> float | None:
        """The real-time factor of the last requests; None: no request yet."""
        audio_s = sum(one[0] for one in self.recent)
        return sum(one[1] for one in self.recent) / audio_s if audio_s > 0 else None

    def report(self) -> dict[str, float | int | None]:
        """Real-time factors below 1 are faster than the audio lasts; None: no request yet."""
        return {
            "requests": self.requests,
            "audio_seconds": round(self.audio_s, 3),
            "processing_seconds": round(self.processing_s, 3),
            "compute_seconds": round(self.compute_s, 3),
            "real_time_factor": self._per_audio(self.processing_s),
            "compute_real_time_factor": self._per_audio(self.compute_s),
        }

    def _per_audio(self, seconds: float) -> float | None:
        return round(seconds / self.audio_s, 4) if self.audio_s > 0 else None


@dataclass(slots=True)
class AudioMeter:
    synthesis: Pace = field(default_factory=Pace)
    transcription: Pace = field(default_factory=Pace)

    def tiles(self) -> list[Callable[[], Tile]]:
        """The dashboard's, each made anew when it is looked at."""
        return [
            lambda: _tile("speech, real-time factor", self.synthesis),
            lambda: _tile("transcripts, real-time factor", self.transcription),
        ]


def _tile(label: str, pace: Pace) -> Tile:
    factor = pace.recent_factor
    return Tile(label, "–" if factor is None else f"{factor:.3f}")
