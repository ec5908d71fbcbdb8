import time

import pytest

from audio_svc.text.normalizing import normalize_text

READ = [
    ("It costs $5.50.", "It costs five dollars and fifty cents."),
    ("€1,200 or £0.01", "one thousand two hundred euros or one penny"),
    (
        "$1.2 million, -$3, 5 €, $3k",
        "one point two million dollars, minus three dollars, five euros, three thousand dollars",
    ),
    (
        "20°C, 5 km, 1 km, 5-10 kg, 3.5GHz",
        "twenty degrees Celsius, five kilometers, "
        "one kilometer, five to ten kilograms, three point five gigahertz",
    ),
    ("100% of 3 in 10", "one hundred percent of three in ten"),
    ("the 21st and 102nd", "the twenty-first and one hundred second"),
    (
        "1,234,567 people",
        "one million two hundred thirty-four thousand five hundred sixty-seven people",
    ),
    ("In 1999, since 2005", "In nineteen ninety-nine, since two thousand five"),
    ("the 1990s and '80s", "the nineteen nineties and eighties"),
    ("1/2, 3/4, 5/12, 24/7", "one half, three quarters, five twelfths, twenty-four seven"),
    ("-5 or 3.14", "minus five or three point one four"),
    ("Version 1.2.3, 10-20, 3:2", "Version one point two point three, ten to twenty, three to two"),
    ("No. 5, Fig. 3, p. 12, #1", "number five, figure three, page twelve, number one"),
    ("A4 and 4K", "A four and four K"),
    ("Dr. Smith and Mrs. Jones", "doctor Smith and missus Jones"),
    ("12 Elm St., near St. Mary", "twelve Elm Street, near Saint Mary"),
    ("Apples, pears, etc. They left.", "Apples, pears, et cetera. They left."),
    ("Fruit, e.g. apples", "Fruit, for example apples"),
    ("2 + 2 = 4 and x < y", "two plus two equals four and x less than y"),
    ("R&D & more", "R and D and more"),
    ("the BBC's TVs", "the B B C's T Vs"),
    ("½ cup ≈ 5", "one half cup about five"),
    ("bob.smith@example.co.uk", "bob dot smith at example dot co dot uk"),
    ("See https://example.com/a?x=1.", "See example dot com slash a question mark x equals one."),
    ("www.foo.org, or fleetserve.io", "www dot foo dot org, or fleetserve dot io"),
    ("+1 555-123-4567", "plus one, five five five, one two three, four five six seven"),
]


@pytest.mark.parametrize(("written", "spoken"), READ)
def test_written_english_becomes_words(written: str, spoken: str) -> None:
    assert normalize_text(written, "en").text == spoken


@pytest.mark.parametrize(("written", "spoken"), READ)
def test_words_stay_words_when_they_are_read_again(written: str, spoken: str) -> None:
    assert normalize_text(spoken, "en-US").text == spoken


@pytest.mark.parametrize(
    "text",
    [
        "The quick brown fox jumps over the lazy dog.",
        "I'm fine; it's a well-known fact — isn't it? NASA said: \"Go!\"",
        "She sells sea shells by the sea shore, twice a week.",
        "SHOUTING WHY NOT",
    ],
)
def test_plain_words_are_left_alone(text: str) -> None:
    assert normalize_text(text, "en").text == text


@pytest.mark.parametrize("language", ["de", "fr-FR", "zh", "auto"])
def test_other_languages_pass_through(language: str) -> None:
    text = "Am 3.10. kostet es 5 €, z. B. bei Dr. Maier."
    assert normalize_text(text, language).text == text


def test_date_that_could_be_another_is_told_and_others_are_not() -> None:
    read = normalize_text("03/04/2026 and 11/28/2026 and 05/05/2026", "en")
    assert read.text == (
        "March fourth, twenty twenty-six and November twenty-eighth, twenty twenty-six "
        "and May fifth, twenty twenty-six"
    )
    assert len(read.warnings) == 1
    assert "03/04/2026 was read as March fourth" in read.warnings[0]
    assert normalize_text("03/04/2026", "en-GB").text == "April third, twenty twenty-six"
    assert normalize_text("$5 at 9:30 on May 3", "en").warnings == ()


@pytest.mark.parametrize(
    "piece", ["1", "a.", "1,", "a", "a-", "1/", "1.", "$1", "www.", "a@", "+1", "_", "-", "(555) "]
)
def test_no_text_takes_long(piece: str) -> None:
    text = piece * (5000 // len(piece))
    begin_s = time.process_time()
    normalize_text(text, "en")
    # The quadratic cases took 0.1 to 3 s; linear ones take 0.04.
    assert time.process_time() - begin_s < 0.5


def test_digits_without_end_are_all_read() -> None:
    assert normalize_text("7" * 100, "en").text.split() == ["seven"] * 100
