import pytest

from audio_svc.text.say_as import say_as
from audio_svc.text.ssml_values import Refused


@pytest.mark.parametrize(
    ("kind", "text", "form", "words"),
    [
        ("characters", "abc1", "", "A, B, C, one"),
        ("spell-out", "a b", "", "A, B"),
        ("cardinal", "1,234", "", "one thousand two hundred thirty-four"),
        ("number", "-3.5", "", "minus three point five"),
        ("ordinal", "21", "", "twenty-first"),
        ("digits", "90-210", "", "nine zero two one zero"),
        ("telephone", "+1 (555) 12", "", "plus one, five five five, one two"),
        ("date", "4/5/2020", "dmy", "May fourth, twenty twenty"),
        ("date", "4/5/2020", "mdy", "April fifth, twenty twenty"),
        ("date", "2020-05", "ym", "May twenty twenty"),
        ("date", "1999", "y", "nineteen ninety-nine"),
        ("date", "2020-05-04", "", "May fourth, twenty twenty"),
        ("time", "9:30pm", "", "nine thirty P M"),
        ("fraction", "1 3/4", "", "one and three quarters"),
        ("unit", "5 km", "", "five kilometers"),
        ("currency", "$5", "", "five dollars"),
    ],
)
def test_every_kind_is_read_as_it_asks(kind: str, text: str, form: str, words: str) -> None:
    assert say_as(kind, text, {"format": form} if form else {}) == words


@pytest.mark.parametrize(
    ("kind", "text", "form"),
    [
        ("cardinal", "many", ""),
        ("ordinal", "1.5", ""),
        ("digits", "abc", ""),
        ("telephone", "call", ""),
        ("date", "4/5", "mdy"),
        ("date", "40/50/2020", "mdy"),
        ("date", "4/5/2020", "xyz"),
        ("time", "noon", ""),
        ("fraction", "half", ""),
    ],
)
def test_text_of_another_kind_is_refused(kind: str, text: str, form: str) -> None:
    with pytest.raises(Refused):
        say_as(kind, text, {"format": form} if form else {})
