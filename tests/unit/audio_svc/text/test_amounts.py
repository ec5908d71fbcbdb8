import re

import pytest

from audio_svc.text.amounts import NUMBER, RULES, either
from audio_svc.text.tables import UNITS


def test_longest_name_wins() -> None:
    assert re.match(either(["k", "km", "km/h"]), "km/h")[0] == "km/h"  # type: ignore[index]


@pytest.mark.parametrize("text", ["5", "1,234", "3.5", "1,234,567.25"])
def test_number_is_matched_whole(text: str) -> None:
    assert re.fullmatch(NUMBER, text)


@pytest.mark.parametrize("unit", UNITS)
def test_every_unit_is_read_after_a_number(unit: str) -> None:
    text = f"2{unit}"
    for pattern, made in RULES:
        text = pattern.sub(made, text)
    assert text == f"two {UNITS[unit][1]}"
