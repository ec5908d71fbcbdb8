import pytest

from audio_svc.speech.tacotron2_text import SYMBOLS, text_to_ids, word_places


def test_symbols_stand_where_the_checkpoints_have_them() -> None:
    assert len(SYMBOLS) == 148 - 84
    assert text_to_ids("a z!") == [38, 11, 63, 2]


@pytest.mark.parametrize(
    ("text", "same"),
    [("Café  NAÏVE", "cafe naive"), ("don’t — go…", "don't - go."), ("x_y 日", "xy")],
)
def test_text_is_made_plain(text: str, same: str) -> None:
    assert text_to_ids(text) == text_to_ids(same)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Go, on!", [0, 0, None, None, 1, 1, None]),
        ("“日本” — go", [None, None, 2, 2]),
        ("it’s", [0, 0, None, 0]),
    ],
)
def test_each_symbol_knows_its_word(text: str, expected: list[int | None]) -> None:
    assert word_places(text) == expected
    assert len(text_to_ids(text)) == len(expected)
