"""What is read how in English: data, from english.json."""

import json
from importlib import resources
from typing import Any

_DATA: dict[str, Any] = json.loads(
    resources.files("audio_svc.text").joinpath("english.json").read_text(encoding="utf-8")
)
ABBREVIATIONS: dict[str, str] = _DATA["abbreviations"]
BEFORE_NUMBER: dict[str, str] = _DATA["before_number"]
MONTHS: dict[str, str] = _DATA["months"]
CURRENCIES: dict[str, list[str]] = _DATA["currencies"]
UNITS: dict[str, list[str]] = _DATA["units"]
SIGNS: dict[str, str] = _DATA["signs"]
MONTH_NAMES = tuple(dict.fromkeys(MONTHS.values()))
