"""Dates and times of day in English."""

import re
from collections.abc import Callable
from re import Match, Pattern

from audio_svc.text.numbers import cardinal, ordinal, year
from audio_svc.text.tables import MONTH_NAMES, MONTHS

_MONTH = rf"(?P<month>{'|'.join(MONTH_NAMES)}|(?:{'|'.join(MONTHS)})\b\.?)"
_DAY = r"(?P<day>3[01]|[12]\d|0?[1-9])(?:st|nd|rd|th)?"
_YEAR = r"(?P<year>(?:1[1-9]|20)\d\d)"


def date_words(day: str, month: str, full_year: str = "") -> str:
    """("4", "July", "1999"): July fourth, nineteen ninety-nine."""
    words = f"{month} {ordinal(str(int(day)))}" if day else month
    if not full_year:
        return words
    return f"{words}, {year(full_year)}" if day else f"{words} {year(full_year)}"


def _named(match: Match[str]) -> str:
    month = match["month"].rstrip(".")
    return date_words(match["day"], MONTHS.get(month, month), match["year"] or "")


def _day_of_month(match: Match[str]) -> str:
    month = match["month"].rstrip(".")
    words = f"{ordinal(str(int(match['day'])))} of {MONTHS.get(month, month)}"
    return f"{words}, {year(match['year'])}" if match["year"] else words


def _month_and_year(match: Match[str]) -> str:
    month = match["month"].rstrip(".")
    return date_words("", MONTHS.get(month, month), match["year"])


def _iso(match: Match[str]) -> str:
    month = int(match["month"])
    if not 1 <= month <= 12:
        return match[0]
    return date_words(match["day"], MONTH_NAMES[month - 1], match["year"])


def read_numeric_date(match: Match[str], *, day_first: bool) -> tuple[str, bool]:
    """The words, and whether they could have been others: 3/4 is not the same everywhere."""
    first, second = int(match["first"]), int(match["second"])
    day, month = (first, second) if day_first else (second, first)
    if month > 12:
        day, month = month, day
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return match[0], False
    words = date_words(str(day), MONTH_NAMES[month - 1], match["year"])
    return words, max(first, second) <= 12 and first != second


def _time(match: Match[str]) -> str:
    hour, minute, second = int(match["hour"]), match["minute"], match["second"]
    words = cardinal(str(hour))
    if minute and minute != "00":
        words += f" {'oh ' if minute[0] == '0' else ''}{cardinal(str(int(minute)))}"
    elif minute and not match["half"]:
        words += " o'clock" if 1 <= hour <= 12 else " hundred"
    if second:
        words += f" and {cardinal(str(int(second)))} second{'' if int(second) == 1 else 's'}"
    return words + (_half_day(match) if match["half"] else "")


def _half_day(match: Match[str]) -> str:
    """The last full stop of "p.m." may end the sentence too."""
    rest = match.string[match.end() :]
    ends = match[0].endswith(".") and (not rest.strip() or re.match(r"\s+[A-Z]", rest))
    return f" {match['half'][0].upper()} M{'.' if ends else ''}"


NUMERIC_DATE = re.compile(
    r"(?<![\w/.])(?P<first>\d{1,2})[/.](?P<second>\d{1,2})[/.](?P<year>(?:19|20)\d\d)(?![\w/])"
)
_HALF = r"(?P<half>[AaPp]\.?\s?[Mm]\b\.?)"
TIME = re.compile(
    r"(?<![\w:.])(?P<hour>2[0-3]|[01]?\d):(?P<minute>[0-5]\d)(?::(?P<second>[0-5]\d))?"
    rf"(?:\s?{_HALF})?(?![\w:])"
)
RULES: tuple[tuple[Pattern[str], Callable[[Match[str]], str]], ...] = (
    (
        re.compile(
            r"(?<![\w-])(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>3[01]|[12]\d|0[1-9])(?![\w-])"
        ),
        _iso,
    ),
    (re.compile(rf"\b{_MONTH}\s+{_DAY}(?:,?\s+{_YEAR})?(?![\w:%])"), _named),
    (re.compile(rf"(?<![\w.,:]){_DAY}\s+of\s+{_MONTH}(?:,?\s+{_YEAR})?(?!\w)"), _day_of_month),
    (re.compile(rf"(?<![\w.,:]){_DAY}\s+{_MONTH}(?:,?\s+{_YEAR})?(?!\w)"), _named),
    (re.compile(rf"\b{_MONTH}\s+{_YEAR}(?!\w)"), _month_and_year),
    (TIME, _time),
    (
        re.compile(
            rf"(?<![\w:.])(?P<hour>1[0-2]|0?[1-9])(?P<minute>(?!))?(?P<second>(?!))?\s?{_HALF}"
        ),
        _time,
    ),
)
