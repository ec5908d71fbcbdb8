"""English numbers as words.

Our own, since num2words is under the LGPL, and inflect (MIT) knows cardinals and ordinals only.
"""

_SMALL = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
    *("ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen"),
    *("seventeen", "eighteen", "nineteen"),
)
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_SCALES = ("", " thousand", " million", " billion", " trillion")
_ORDINALS = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}
MOST_DIGITS = 3 * len(_SCALES)


def cardinal(digits: str) -> str:
    """42: forty-two. What has no name, or begins with a zero, is read digit by digit."""
    if len(digits) > MOST_DIGITS or (len(digits) > 1 and digits[0] == "0"):
        return spell_digits(digits)
    return _name(int(digits))


def ordinal(digits: str) -> str:
    """42: forty-second."""
    words = cardinal(digits)
    place = max(words.rfind(" "), words.rfind("-")) + 1
    last = words[place:]
    if last in _ORDINALS:
        return words[:place] + _ORDINALS[last]
    return words[:-1] + "ieth" if last.endswith("y") else words + "th"


def spell_digits(digits: str) -> str:
    """407: four zero seven."""
    return " ".join(_SMALL[int(digit)] for digit in digits)


def decimal(text: str) -> str:
    """-3.05: minus three point zero five. Commas between thousands are taken away."""
    sign = "minus " if text[0] in "-−" else ""
    whole, _, part = text.lstrip("-−+").replace(",", "").partition(".")
    words = cardinal(whole or "0")
    return f"{sign}{words} point {spell_digits(part)}" if part else sign + words


def year(digits: str) -> str:
    """1999: nineteen ninety-nine; 2005: two thousand five; 1900: nineteen hundred."""
    number = int(digits)
    century, rest = divmod(number, 100)
    if not 1100 <= number <= 2099 or 2000 <= number <= 2009:
        return _name(number)
    if rest == 0:
        return f"{_name(century)} hundred"
    return f"{_name(century)} {'oh ' if rest < 10 else ''}{_name(rest)}"


def _name(number: int) -> str:
    if number == 0:
        return _SMALL[0]
    groups: list[str] = []
    for scale in _SCALES:
        number, group = divmod(number, 1000)
        if group:
            groups.append(_below_thousand(group) + scale)
        if not number:
            break
    return " ".join(reversed(groups))


def _below_thousand(number: int) -> str:
    hundreds, rest = divmod(number, 100)
    words = [f"{_SMALL[hundreds]} hundred"] if hundreds else []
    if rest:
        words.append(_below_hundred(rest))
    return " ".join(words)


def _below_hundred(number: int) -> str:
    if number < 20:
        return _SMALL[number]
    tens, ones = divmod(number, 10)
    return _TENS[tens - 2] + (f"-{_SMALL[ones]}" if ones else "")
