import pytest

from audio_svc.manner import PLAIN, Manner
from audio_svc.text.ssml_values import Refused, pause_of, prosody_of


@pytest.mark.parametrize(
    ("attributes", "seconds"),
    [
        ({"time": "500ms"}, 0.5),
        ({"time": "1.5s"}, 1.5),
        ({"strength": "none"}, 0.0),
        ({"strength": "x-strong"}, 1.2),
        ({}, 0.4),
    ],
)
def test_breaks(attributes: dict[str, str], seconds: float) -> None:
    assert pause_of(attributes) == seconds


@pytest.mark.parametrize(
    "attributes", [{"time": "5"}, {"time": "11s"}, {"time": "-1s"}, {"strength": "huge"}]
)
def test_wrong_breaks_are_refused(attributes: dict[str, str]) -> None:
    with pytest.raises(Refused):
        pause_of(attributes)


@pytest.mark.parametrize(
    ("attributes", "manner"),
    [
        ({"rate": "slow"}, Manner(speed=0.75)),
        ({"rate": "120%"}, Manner(speed=1.2)),
        ({"rate": "+20%"}, Manner(speed=1.2)),
        ({"rate": "-25%"}, Manner(speed=0.75)),
        ({"rate": "0.5"}, Manner(speed=0.5)),
        ({"pitch": "+12st"}, Manner(pitch=2.0)),
        ({"pitch": "-10%"}, Manner(pitch=0.9)),
        ({"pitch": "x-high", "volume": "50"}, Manner(pitch=1.45, volume=0.5)),
        ({"volume": "silent"}, Manner(volume=0.0)),
        ({"volume": "-20dB"}, Manner(volume=0.1)),
    ],
)
def test_prosody(attributes: dict[str, str], manner: Manner) -> None:
    assert near(prosody_of(attributes, PLAIN), manner)


def near(one: Manner, other: Manner) -> bool:
    pairs = ((one.speed, other.speed), (one.pitch, other.pitch), (one.volume, other.volume))
    return all(abs(a - b) < 1e-9 for a, b in pairs)


def test_inner_prosody_is_relative_to_the_outer() -> None:
    inner = prosody_of({"rate": "150%", "volume": "50"}, Manner(speed=0.75, volume=0.5))
    assert near(inner, Manner(speed=1.125, volume=0.25))


@pytest.mark.parametrize(
    "attributes",
    [
        {"rate": "quick"},
        {"rate": "300%"},
        {"rate": "+3st"},
        {"pitch": "150Hz"},
        {"pitch": "1.2"},
        {"pitch": "-13st"},
        {"volume": "101"},
        {"volume": "+20dB"},
    ],
)
def test_wrong_prosody_is_refused(attributes: dict[str, str]) -> None:
    with pytest.raises(Refused):
        prosody_of(attributes, PLAIN)
