import pytest

from audio_svc.manner import Manner
from audio_svc.script import Script, write_script
from audio_svc.sentences import SENTENCE_PAUSE_S, Breath

LONG = (
    "On 3 May 2024 at 9:30 p.m., Dr. Smith paid $5.50 for 2 kg of apples, i.e. 3/4 of them. "
    "Did he? He did! He said “yes” - twice; see https://example.com/a for more, or don't. "
)


def write(text: str, *, ssml: bool = False, max_chars: int = 200) -> Script:
    return write_script(text, ssml=ssml, language="en", max_chars=max_chars)


@pytest.mark.parametrize("max_chars", [40, 200, 600])
def test_no_word_of_5000_characters_is_lost_or_said_twice(max_chars: int) -> None:
    text = (LONG * 40)[:5000]
    whole = write(text, max_chars=10**6).breaths
    words = " ".join(one.text for one in whole).split()
    breaths = write(text, max_chars=max_chars).breaths
    assert " ".join(one.text for one in breaths).split() == words
    assert max(len(one.text) for one in breaths) <= max_chars
    assert len(words) > 1000


def test_plain_text_is_normalised_and_split() -> None:
    script = write("I have 42. " * 30)
    assert script.breaths[0].text.startswith("I have forty-two. I have")
    assert script.breaths[-1].pause_s == 0.0
    assert {one.pause_s for one in script.breaths[:-1]} == {SENTENCE_PAUSE_S}


def test_markup_within_a_sentence_does_not_tear_it() -> None:
    script = write(
        '<speak>I am <say-as interpret-as="cardinal">42</say-as>, a '
        '<sub alias="hoopy">h</sub> frood.</speak>',
        ssml=True,
    )
    assert script.breaths == (Breath("I am forty-two, a hoopy frood.", 0.0),)


def test_manner_and_silences_reach_the_breaths() -> None:
    script = write(
        '<speak><break time="1s"/>A.<break time="2s"/><prosody pitch="+12st">B</prosody> C'
        '<break time="250ms"/></speak>',
        ssml=True,
    )
    assert script.breaths == (
        Breath("A.", 2.0, lead_s=1.0),
        Breath("B", 0.0, Manner(pitch=2.0)),
        Breath("C", 0.25),
    )


@pytest.mark.parametrize(
    "text", ["", "  \n", "<speak></speak>", '<speak><break time="1s"/></speak>']
)
def test_without_words_there_is_nothing_to_say(text: str) -> None:
    assert write(text, ssml=text.startswith("<")).breaths == ()


def test_doubtful_reading_is_told_once() -> None:
    assert len(write("03/04/2026 and 03/04/2026.").warnings) == 1


def test_text_that_looks_like_markup_is_read_as_it_stands_where_that_is_asked() -> None:
    assert "speak" in write("<speak>Hi</speak>").breaths[0].text
