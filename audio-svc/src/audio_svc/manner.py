"""How a part of a text is to be spoken, beside what the whole request asks for."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Manner:
    """Factors: speed and pitch 0.5 to 2, volume 0 to 2."""

    speed: float = 1.0
    pitch: float = 1.0
    volume: float = 1.0


PLAIN = Manner()
