import pytest

from audio_svc.text.numbers import cardinal, decimal, ordinal, spell_digits, year


@pytest.mark.parametrize(
    ("digits", "words"),
    [
        ("0", "zero"),
        ("7", "seven"),
        ("13", "thirteen"),
        ("20", "twenty"),
        ("42", "forty-two"),
        ("100", "one hundred"),
        ("115", "one hundred fifteen"),
        ("1000", "one thousand"),
        ("1001", "one thousand one"),
        ("12345", "twelve thousand three hundred forty-five"),
        ("1000000", "one million"),
        ("2000003000", "two billion three thousand"),
        ("999999999999999", cardinal("999") + " trillion " + cardinal("999999999999")),
        ("007", "zero zero seven"),
        ("1" * 16, " ".join(["one"] * 16)),
    ],
)
def test_cardinals(digits: str, words: str) -> None:
    assert cardinal(digits) == words


def test_every_number_has_words_of_its_own_and_no_stray_space() -> None:
    words = [cardinal(str(number)) for number in range(20_000)]
    assert len(set(words)) == len(words)
    assert all("  " not in one and one == one.strip() for one in words)


@pytest.mark.parametrize(
    ("digits", "words"),
    [
        ("1", "first"),
        ("2", "second"),
        ("3", "third"),
        ("5", "fifth"),
        ("8", "eighth"),
        ("9", "ninth"),
        ("11", "eleventh"),
        ("12", "twelfth"),
        ("20", "twentieth"),
        ("21", "twenty-first"),
        ("100", "one hundredth"),
        ("112", "one hundred twelfth"),
        ("1000", "one thousandth"),
    ],
)
def test_ordinals(digits: str, words: str) -> None:
    assert ordinal(digits) == words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("3.05", "three point zero five"),
        ("-2", "minus two"),
        ("−1.5", "minus one point five"),
        ("1,234.5", "one thousand two hundred thirty-four point five"),
        (".5", "zero point five"),
    ],
)
def test_decimals(text: str, words: str) -> None:
    assert decimal(text) == words


@pytest.mark.parametrize(
    ("digits", "words"),
    [
        ("1999", "nineteen ninety-nine"),
        ("1900", "nineteen hundred"),
        ("1905", "nineteen oh five"),
        ("2000", "two thousand"),
        ("2005", "two thousand five"),
        ("2026", "twenty twenty-six"),
        ("1066", "one thousand sixty-six"),
    ],
)
def test_years(digits: str, words: str) -> None:
    assert year(digits) == words


def test_digits_are_spelled() -> None:
    assert spell_digits("407") == "four zero seven"
