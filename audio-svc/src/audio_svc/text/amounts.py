"""Money, units, fractions and plain numbers in English."""

import re
from collections.abc import Callable, Iterable
from re import Match, Pattern

from audio_svc.text.numbers import cardinal, decimal, ordinal, spell_digits, year
from audio_svc.text.tables import BEFORE_NUMBER, CURRENCIES, UNITS


def either(names: Iterable[str]) -> str:
    """A pattern of any of them, the longest first."""
    return "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))


NUMBER = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
_SCALE = r"(?:\s?(?P<scale>thousand|million|billion|trillion|k|K|M|m|bn|B|tn)\b)?"
_SCALES = {"k": "thousand", "m": "million", "bn": "billion", "b": "billion", "tn": "trillion"}
_FRACTIONS = {"2": "half", "4": "quarter"}
_ATTACHED_ONLY = frozenset({"in", "A", "s", "l", "L", "W", "V"})  # Else words or initials.


def _money(match: Match[str]) -> str:
    one, many, cent, cents = CURRENCIES[match["currency"]]
    amount, scale = match["amount"].replace(",", ""), match["scale"]
    sign = "minus " if match["sign"] else ""
    if scale:
        return f"{sign}{decimal(amount)} {_SCALES.get(scale.lower(), scale)} {many}"
    whole, _, part = amount.partition(".")
    if part and len(part) != 2:
        return f"{sign}{decimal(amount)} {many}"
    words = f"{cardinal(whole)} {one if whole == '1' else many}"
    if not part or part == "00":
        return sign + words
    small = f"{cardinal(str(int(part)))} {cent if part == '01' else cents}"
    return sign + (small if whole == "0" else f"{words} and {small}")


def _unit(match: Match[str]) -> str:
    if match["gap"] and match["unit"] in _ATTACHED_ONLY:
        return match[0]
    one, many = UNITS[match["unit"]]
    amount = match["sign"] + match["amount"]
    if match["until"]:
        return f"{decimal(amount)} to {decimal(match['until'])} {many}"
    return f"{decimal(amount)} {one if amount == '1' else many}"


def _fraction(match: Match[str]) -> str:
    above, below = match["above"], match["below"]
    if (above, below) == ("24", "7"):
        return "twenty-four seven"
    if not 2 <= int(below) <= 20 or int(above) >= int(below):
        return f"{cardinal(above)} slash {cardinal(below)}"
    name = _FRACTIONS.get(below) or ordinal(below)
    if above != "1":
        name = "halves" if below == "2" else name + "s"
    return f"{cardinal(above)} {name}"


def _phone(match: Match[str]) -> str:
    groups = re.findall(r"\d+", match[0])
    plus = "plus " if match[0].startswith("+") else ""
    return plus + ", ".join(spell_digits(group) for group in groups)


def _decade(match: Match[str]) -> str:
    words = year(match["decade"]) if len(match["decade"]) == 4 else cardinal(match["decade"])
    return words[:-1] + "ies" if words.endswith("y") else words + "s"


def _range(match: Match[str]) -> str:
    return f"{decimal(match['low'])} to {decimal(match['high'])}"


def _dotted(match: Match[str]) -> str:
    return " point ".join(cardinal(part) for part in match[0].split("."))


def _spaced(match: Match[str]) -> str:
    """Letters beside a number are words of their own: MP3, 4K."""
    return f"{decimal(match['amount'])} "


_CURRENCY = either(CURRENCIES)
_PATTERNS: tuple[tuple[str, Callable[[Match[str]], str]], ...] = (
    (r"(?<!\w)(?:\+\d{1,3}[ -])?(?:\(\d{3}\) ?|\d{3}[-. ])\d{3}[-. ]\d{4}(?!\w)", _phone),
    (rf"(?P<sign>[-−]?)(?P<currency>{_CURRENCY})\s?(?P<amount>{NUMBER}){_SCALE}", _money),
    (rf"(?P<sign>[-−]?)(?P<amount>{NUMBER}){_SCALE}\s?(?P<currency>{_CURRENCY})", _money),
    (rf"\b(?P<name>{either(BEFORE_NUMBER)})(?=\s?\d)", lambda m: BEFORE_NUMBER[m["name"]]),
    (r"(?<!\w)['’]?(?P<decade>\d{3}0|[2-9]0)['’]?s\b", _decade),
    (
        rf"(?<![\w.])(?P<sign>[-−]?)(?P<amount>{NUMBER})(?:\s?[-–]\s?(?P<until>{NUMBER}))?"
        rf"(?P<gap>\s?)(?P<unit>{either(UNITS)})(?![\w°²³])",
        _unit,
    ),
    (
        r"\b(?P<digits>\d{1,3}(?:,\d{3})+|\d+)(?:st|nd|rd|th)\b",
        lambda m: ordinal(m["digits"].replace(",", "")),
    ),
    (
        r"(?i:\b(?P<before>in|since|until|till|by|from|of|year|before|after|around)\s)"
        r"(?P<year>(?:1[1-9]|20)\d\d)(?![\w,.]*\d|\s?%)",
        lambda m: f"{m['before']} {year(m['year'])}",
    ),
    (r"(?<![\w/.])(?P<above>\d{1,3})/(?P<below>\d{1,3})(?![\w/])", _fraction),
    (rf"(?<![\w.–-])(?P<low>{NUMBER})\s?[–:-]\s?(?P<high>{NUMBER})(?![\w–-])", _range),
    (r"(?<![\w.])\d+(?:\.\d+){2,}(?![\w])", _dotted),
    (r"#\s?(?=\d)", lambda _m: "number "),
    (rf"(?:(?<=\s)|^)[-−](?:{NUMBER})", lambda m: decimal(m[0])),
    (rf"(?P<amount>{NUMBER})(?=[^\W\d_])", _spaced),
    (rf"(?<=[^\W\d_])(?P<amount>{NUMBER})", lambda m: f" {decimal(m['amount'])}"),
    (NUMBER, lambda m: decimal(m[0])),
)
RULES: tuple[tuple[Pattern[str], Callable[[Match[str]], str]], ...] = tuple(
    (re.compile(pattern), made) for pattern, made in _PATTERNS
)
