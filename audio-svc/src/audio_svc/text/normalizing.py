"""Written English to the words that are spoken; other languages pass through.

Numbers, ordinals, dates, times, money, units, abbreviations, addresses of the web and of mail,
and signs. Rules are applied one after the other; each leaves only words behind.
"""

import re
from dataclasses import dataclass
from re import Match

from audio_svc.text import amounts, calendar
from audio_svc.text.amounts import either
from audio_svc.text.numbers import MOST_DIGITS, spell_digits
from audio_svc.text.tables import ABBREVIATIONS, SIGNS

ENGLISH = "en"
DAY_FIRST = frozenset({"en-gb", "en-au", "en-in", "en-nz", "en-ie", "en-za"})
DATE_WARNING = "{written} was read as {words}; write the month's name to be sure"
TITLES = frozenset({"mister", "missus", "miz", "doctor", "professor", "mount", "general"})

_WEB = re.compile(
    r"(?:https?://|www\.)[^\s<>\"]*[\w/]"
    r"|(?<![\w@.-])(?:[\w-]{1,63}\.)+(?:com|org|net|edu|gov|io|dev|ai|info|co\.uk|de|eu)\b(?:/[^\s<>\"]*[\w/])?"
)
_MAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+")
# Read first, so that no rule's time grows with the square of their length.
_LONG_RUN = re.compile(rf"\d{{{MOST_DIGITS + 1},}}")
_SPELLED = {
    ".": "dot",
    "/": "slash",
    "-": "dash",
    "_": "underscore",
    "@": "at",
    ":": "colon",
    "?": "question mark",
    "=": "equals",
    "&": "and",
    "#": "hash",
    "%": "percent",
    "+": "plus",
    "~": "tilde",
}
_ABBREVIATION = re.compile(rf"(?<![\w.])(?:{either(ABBREVIATIONS)})(?!\w)")
_SAINT = re.compile(r"\bSt\.(?=\s[A-Z])")
_STREET = re.compile(r"(?<=[a-z]\s)St\.(?=\s[a-z]|,|$)")
_INITIALISM = re.compile(r"\b(?=[A-Z]*\b)[BCDFGHJKLMNPQRSTVWXZ]{2,5}(?=s?\b)")
_CALCULATED = "".join(sign for sign in SIGNS if sign in "+=×÷±≤≥~≈")
_SIGN = re.compile(
    rf"(?<=\s)[&@<>+=~](?=\s)|(?<=[A-Z])&(?=[A-Z])|(?<=\d)\s*[{re.escape(_CALCULATED)}]\s*(?=\d)|[½¼¾≈×÷±≤≥§©®™]"
)


@dataclass(frozen=True, slots=True)
class SpokenText:
    """The words, and what has to be said about how they were read."""

    text: str
    warnings: tuple[str, ...] = ()


def normalize_text(text: str, language: str) -> SpokenText:
    """English as it is spoken; any other language as it is written.

    Args:
        text: Of any length; the time grows with it alone.
        language: As the caller wrote it: en, en-GB, de, …
    """
    code = language.lower().replace("_", "-")
    if code.partition("-")[0] != ENGLISH:
        return SpokenText(text)
    warnings: list[str] = []
    text = _LONG_RUN.sub(lambda match: spell_digits(match[0]), text)
    text = _MAIL.sub(_spell_address, text)
    text = _WEB.sub(_spell_address, text)
    text = _read_dates(text, day_first=code in DAY_FIRST, warnings=warnings)
    text = _STREET.sub("Street", _SAINT.sub("Saint", text))
    for pattern, made in calendar.RULES:
        text = pattern.sub(made, text)
    text = _SIGN.sub(lambda match: f" {SIGNS[match[0].strip()]} ", text)
    for pattern, made in amounts.RULES:
        text = pattern.sub(made, text)
    text = _ABBREVIATION.sub(_expand, text)
    if not text.isupper():
        text = _INITIALISM.sub(lambda match: " ".join(match[0]), text)
    return SpokenText(re.sub(r"[ \t]{2,}", " ", text).strip(), tuple(warnings))


def _spell_address(match: Match[str]) -> str:
    address = re.sub(r"^https?://", "", match[0]).rstrip("/")
    parts = re.findall(r"[^\W_]+|[\W_]", address)
    return " ".join(_SPELLED.get(part, part) for part in parts)


def _read_dates(text: str, *, day_first: bool, warnings: list[str]) -> str:
    def read(match: Match[str]) -> str:
        words, doubtful = calendar.read_numeric_date(match, day_first=day_first)
        if doubtful:
            warnings.append(DATE_WARNING.format(written=match[0], words=words))
        return words

    return calendar.NUMERIC_DATE.sub(read, text)


def _expand(match: Match[str]) -> str:
    """Keeps the full stop where the abbreviation ends the sentence."""
    words = ABBREVIATIONS[match[0]]
    rest = match.string[match.end() :]
    ends = not rest.strip() or re.match(r"\s+[A-Z]", rest)
    return f"{words}." if ends and words not in TITLES else words
