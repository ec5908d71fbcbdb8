import pytest

from audio_svc.speech.tiny_text import MarkedSound, read_sound, sounds_of

TABLE = {"the": "D @2", "dog": "d 'O g", "one": "w 'V n", "it's": "I t s"}


def spell(word: str) -> list[str]:
    return [] if word == "qqq" else list(word)


def names(text: str) -> list[str]:
    return [sound.name for sound in sounds_of(text, TABLE, spell)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The dog.", ["D", "@2", "d", "O", "g", "_."]),
        ("dog", ["d", "O", "g", "_."]),
        ("Dog, dog?!", ["d", "O", "g", "_,", "d", "O", "g", "_?"]),
        ("... dog", ["d", "O", "g", "_."]),
        ("1", ["w", "V", "n", "_."]),
        ("Zébu", [*"zebu", "_."]),
        ("It’s 'dog'", ["I", "t", "s", "d", "O", "g", "_."]),
        ("«dog» — dog", ["d", "O", "g", "d", "O", "g", "_."]),
        ("zebu", [*"zebu", "_."]),
        ("qqq dog", ["d", "O", "g", "_."]),
        ("…", []),
        ("?", []),
        ("' '", []),
        ("犬", []),
    ],
)
def test_words_are_looked_up_or_spelt_and_signs_are_pauses(text: str, expected: list[str]) -> None:
    assert names(text) == expected


def test_first_sound_of_a_word_and_the_stress_are_marked() -> None:
    sounds = sounds_of("the dog", TABLE, spell)
    assert [sound.mark for sound in sounds] == [1, 0, 1, 4, 0, 0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("the dog", [0, 0, 1, 1, 1, None]),
        ("— The, «dog»!", [1, 1, None, 2, 2, 2, None]),
        ("11 the-the", [*[0] * 6, *[1] * 4, None]),
        ("qqq dog,dog", [1, 1, 1, None, 1, 1, 1, None]),
    ],
)
def test_each_sound_knows_its_word(text: str, expected: list[int | None]) -> None:
    assert [sound.place for sound in sounds_of(text, TABLE, spell)] == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [("'aI", ("aI", 2)), (",e", ("e", 1)), ("t", ("t", 0)), ("", ("", 0))],
)
def test_stress_stands_in_front(written: str, expected: tuple[str, int]) -> None:
    assert read_sound(written) == MarkedSound(*expected, begins=False)
