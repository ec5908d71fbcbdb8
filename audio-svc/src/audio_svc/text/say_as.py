"""SSML's say-as: how a piece of text is to be read."""

import re
from collections.abc import Callable, Mapping

from audio_svc.text.calendar import TIME, date_words
from audio_svc.text.normalizing import normalize_text
from audio_svc.text.numbers import cardinal, decimal, ordinal, spell_digits
from audio_svc.text.ssml_values import Refused
from audio_svc.text.tables import MONTH_NAMES

DATE_FORMATS = ("mdy", "dmy", "ymd", "md", "dm", "ym", "my", "y")


def say_as(kind: str, text: str, attributes: Mapping[str, str]) -> str:
    """The words. Raises: Refused: the text is not of that kind.

    kind: one of KINDS.
    """
    return KINDS[kind](text, attributes.get("format", ""))


def _characters(text: str, _format: str) -> str:
    """Letter by letter; digits by their names."""
    return ", ".join(
        spell_digits(one) if one.isascii() and one.isdigit() else one.upper()
        for one in text
        if not one.isspace()
    )


def _cardinal(text: str, _format: str) -> str:
    if re.fullmatch(r"[-−+]?\d[\d,]*(\.\d+)?", text) is None:
        raise Refused(f"{text!r} is not a number")
    return decimal(text)


def _ordinal(text: str, _format: str) -> str:
    match = re.fullmatch(r"(\d+)(?:st|nd|rd|th)?", text.replace(",", ""))
    if match is None:
        raise Refused(f"{text!r} is not a whole number")
    return ordinal(match[1])


def _digits(text: str, _format: str) -> str:
    digits = re.sub(r"[\s.,-]", "", text)
    if not (digits.isascii() and digits.isdigit()):
        raise Refused(f"{text!r} is not made of digits")
    return spell_digits(digits)


def _telephone(text: str, _format: str) -> str:
    groups = re.findall(r"\d+", text)
    if not groups:
        raise Refused(f"{text!r} is not a telephone number")
    return ("plus " if text.startswith("+") else "") + ", ".join(map(spell_digits, groups))


def _date(text: str, form: str) -> str:
    if not form:
        return normalize_text(text, "en").text
    if form not in DATE_FORMATS:
        raise Refused(f"there is no date format {form!r}; there are {', '.join(DATE_FORMATS)}")
    parts = re.findall(r"\d+", text)
    if len(parts) != len(form):
        raise Refused(f"{text!r} is not a date of the format {form}")
    named = dict(zip(form, parts, strict=True))
    if form == "y":
        return date_words("", "", parts[0]).strip()
    month, day = int(named["m"]), int(named.get("d", "1"))
    if not (1 <= month <= 12 and 1 <= day <= 31):
        raise Refused(f"{text!r} has no such day or month as {form} says")
    return date_words(named.get("d", ""), MONTH_NAMES[month - 1], named.get("y", ""))


def _time(text: str, _format: str) -> str:
    if TIME.search(text) is None and re.fullmatch(r"\d{1,2}\s?[aApP]\.?[mM]\.?", text) is None:
        raise Refused(f"{text!r} is not a time like 9:30 or 9:30pm")
    return normalize_text(text, "en").text


def _fraction(text: str, _format: str) -> str:
    match = re.fullmatch(r"(?:(\d+)[ +])?(\d{1,3})/(\d{1,3})", text)
    if match is None:
        raise Refused(f"{text!r} is not a fraction like 3/4")
    part = normalize_text(f"{match[2]}/{match[3]}", "en").text
    return f"{cardinal(match[1])} and {part}" if match[1] else part


def _as_written(text: str, _format: str) -> str:
    return normalize_text(text, "en").text


KINDS: dict[str, Callable[[str, str], str]] = {
    "characters": _characters,
    "spell-out": _characters,
    "verbatim": _characters,
    "cardinal": _cardinal,
    "number": _cardinal,
    "ordinal": _ordinal,
    "digits": _digits,
    "telephone": _telephone,
    "date": _date,
    "time": _time,
    "fraction": _fraction,
    "unit": _as_written,
    "currency": _as_written,
    "address": _as_written,
}
