"""The values of SSML's attributes as numbers."""

import re
from collections.abc import Mapping

from audio_svc.manner import Manner

MAX_BREAK_S = 10.0
FACTOR_RANGE = (0.5, 2.0)
VOLUME_RANGE = (0.0, 2.0)
STRENGTHS_S = {
    "none": 0.0,
    "x-weak": 0.1,
    "weak": 0.2,
    "medium": 0.4,
    "strong": 0.7,
    "x-strong": 1.2,
}
RATES = {"x-slow": 0.5, "slow": 0.75, "medium": 1.0, "default": 1.0, "fast": 1.35, "x-fast": 1.75}
PITCHES = {"x-low": 0.7, "low": 0.85, "medium": 1.0, "default": 1.0, "high": 1.2, "x-high": 1.45}
VOLUMES = {
    "silent": 0.0,
    "x-soft": 0.25,
    "soft": 0.5,
    "medium": 1.0,
    "default": 1.0,
    "loud": 1.4,
    "x-loud": 2.0,
}
_TIME = re.compile(r"\+?(\d*\.?\d+)(ms|s)")
_CHANGE = re.compile(r"([+-]?)(\d*\.?\d+)(%|st|dB|)")


class Refused(Exception):  # noqa: N818
    """What is wrong in the markup; the reader adds where."""


def pause_of(attributes: Mapping[str, str]) -> float:
    """Seconds. Raises: Refused."""
    if "time" in attributes:
        match = _TIME.fullmatch(attributes["time"].strip())
        if match is None:
            raise Refused(f"time {attributes['time']!r} is not like 500ms or 1.5s")
        seconds = float(match[1]) / (1000 if match[2] == "ms" else 1)
        if seconds > MAX_BREAK_S:
            raise Refused(f"a break lasts at most {MAX_BREAK_S:g}s")
        return seconds
    return _word("strength", attributes.get("strength", "medium"), STRENGTHS_S)


def prosody_of(attributes: Mapping[str, str], outer: Manner) -> Manner:
    """The outer manner, changed. Raises: Refused."""
    speed, pitch, volume = outer.speed, outer.pitch, outer.volume
    if "rate" in attributes:
        speed *= _factor("rate", attributes["rate"], RATES, plain=True)
    if "pitch" in attributes:
        pitch *= _factor("pitch", attributes["pitch"], PITCHES, plain=False)
    if "volume" in attributes:
        volume *= _volume(attributes["volume"])
    _check("rate", speed, FACTOR_RANGE)
    _check("pitch", pitch, FACTOR_RANGE)
    _check("volume", volume, VOLUME_RANGE)
    return Manner(speed, pitch, volume)


def _factor(name: str, value: str, words: Mapping[str, float], *, plain: bool) -> float:
    """120%, +20%, 1.2 (rate only), +2st (pitch only), or a word."""
    match = _CHANGE.fullmatch(value.strip())
    if match is None:
        return _word(name, value, words)
    sign, number, unit = match[1], float(match[2]), match[3]
    signed = -number if sign == "-" else number
    if unit == "%":
        return 1 + signed / 100 if sign else number / 100
    if unit == "st" and not plain:
        return float(2 ** (signed / 12))
    if unit == "" and plain and not sign:
        return number
    raise _like(name, value, words)


def _volume(value: str) -> float:
    """+6dB, 0 to 100 (of full volume), or a word."""
    match = _CHANGE.fullmatch(value.strip())
    if match is None:
        return _word("volume", value, VOLUMES)
    number = float(match[2])
    if match[3] == "dB":
        return float(10 ** ((-number if match[1] == "-" else number) / 20))
    if match[3] == "" and not match[1] and number <= 100:
        return number / 100
    raise _like("volume", value, VOLUMES)


def _word(name: str, value: str, words: Mapping[str, float]) -> float:
    found = words.get(value.strip())
    if found is None:
        raise _like(name, value, words)
    return found


def _like(name: str, value: str, words: Mapping[str, float]) -> Refused:
    forms = {"rate": "1.2, 120%, +20%", "pitch": "+10%, -2st", "volume": "50, +3dB"}.get(name, "")
    return Refused(f"{name} {value!r} is not one of {', '.join(filter(None, (forms, *words)))}")


def _check(name: str, value: float, bounds: tuple[float, float]) -> None:
    if not bounds[0] - 1e-9 <= value <= bounds[1] + 1e-9:
        raise Refused(
            f"{name} comes to {value:.3g} times; {bounds[0]:g} to {bounds[1]:g} is possible"
        )
