import pytest

from audio_svc.text.calendar import NUMERIC_DATE, date_words, read_numeric_date
from audio_svc.text.normalizing import normalize_text
from audio_svc.text.tables import MONTHS


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("2026-11-28", "November twenty-eighth, twenty twenty-six"),
        ("Nov. 28, 2026", "November twenty-eighth, twenty twenty-six"),
        ("28 November 2026", "November twenty-eighth, twenty twenty-six"),
        ("the 4th of July", "the fourth of July"),
        ("July 4th", "July fourth"),
        ("May 2020", "May twenty twenty"),
        ("at 9:30 pm.", "at nine thirty P M."),
        ("9:05", "nine oh five"),
        ("9:00", "nine o'clock"),
        ("14:00", "fourteen hundred"),
        ("9am", "nine A M"),
        ("10:15:30", "ten fifteen and thirty seconds"),
        ("He came at 9 p.m. She left.", "He came at nine P M. She left."),
    ],
)
def test_dates_and_times_become_words(written: str, spoken: str) -> None:
    assert normalize_text(written, "en").text == spoken


@pytest.mark.parametrize("short", MONTHS)
def test_every_month_is_known_by_its_short_name(short: str) -> None:
    assert normalize_text(f"{short} 3", "en").text == f"{MONTHS[short]} third"


def test_day_is_told_from_month_where_only_one_order_makes_sense() -> None:
    match = NUMERIC_DATE.fullmatch("28/11/2026")
    assert match
    for day_first in (True, False):
        words, doubtful = read_numeric_date(match, day_first=day_first)
        assert words == "November twenty-eighth, twenty twenty-six"
        assert not doubtful


def test_thirteenth_month_is_no_date() -> None:
    assert "January" not in normalize_text("2026-13-01", "en").text


def test_what_is_no_date_is_left() -> None:
    match = NUMERIC_DATE.fullmatch("45/99/2026")
    assert match
    assert read_numeric_date(match, day_first=False) == ("45/99/2026", False)


def test_parts_may_be_missing() -> None:
    assert date_words("4", "July") == "July fourth"
    assert date_words("", "July", "1999") == "July nineteen ninety-nine"
