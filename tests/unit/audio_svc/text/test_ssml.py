import pytest

from audio_svc.manner import Manner
from audio_svc.text.ssml import Span, is_ssml, read_ssml
from fleetserve.errors import InvalidFieldError


@pytest.mark.parametrize(
    ("text", "yes"),
    [
        ("<speak>x</speak>", True),
        ('\n <speak version="1.1">x</speak>', True),
        ('<?xml version="1.0"?><speak>x</speak>', True),
        ("<speaker>", False),
        ("I say <speak>", False),
        ("", False),
    ],
)
def test_markup_is_known_by_its_beginning(text: str, yes: bool) -> None:
    assert is_ssml(text) is yes


def test_text_is_collected_with_its_manner_and_its_pauses() -> None:
    spans = read_ssml(
        '<speak>One <break time="500ms"/>two <prosody rate="slow">three</prosody> '
        '<sub alias="four">4</sub> <say-as interpret-as="digits">56</say-as></speak>'
    )
    assert spans == [
        Span("One ", pause_s=0.5),
        Span("two "),
        Span("three", Manner(speed=0.75)),
        Span("four "),
        Span("five six", literal=True),
    ]


def test_paragraphs_and_sentences_are_parted_and_the_last_is_not() -> None:
    spans = read_ssml("<speak><p><s>A.</s><s>B.</s></p>\n<p>C.</p></speak>")
    assert [(one.text, one.pause_s) for one in spans] == [("A.", 0.25), ("B.", 0.5), ("C.", None)]


def test_breaks_add_up_and_one_at_the_end_is_kept() -> None:
    spans = read_ssml('<speak><break time="1s"/>A<break time="1s"/><break time="2s"/></speak>')
    assert [(one.text, one.pause_s) for one in spans] == [("", 1.0), ("A", 3.0)]


def test_characters_of_markup_may_be_written_escaped() -> None:
    assert read_ssml("<speak>a &amp; b &#60; c</speak>") == [Span("a & b < c")]


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("<speak>Hello", "line 1, column 13: no element found"),
        ("<speak>x</p></speak>", "line 1, column 11: mismatched tag"),
        ("<speak>\n <foo/></speak>", "line 2, column 2: there is no <foo>"),
        ("<speak>&nope;</speak>", "line 1, column 8: undefined entity"),
        ("<p>x</p>", "line 1, column 1: the outermost element is speak"),
        ("<speak><speak/></speak>", "line 1, column 8: speak stands"),
        ('<speak><break pause="1s"/></speak>', "no attribute 'pause'"),
        ('<speak><break time="99s"/></speak>', "column 8: a break lasts at most"),
        ("<speak><say-as>x</say-as></speak>", "needs the attribute 'interpret-as'"),
        ('<speak><say-as interpret-as="x">1</say-as></speak>', "say-as knows no 'x'"),
        ('<speak><say-as interpret-as="digits">x</say-as></speak>', "column 8: 'x' is not made"),
        ("<speak><break>x</break></speak>", "<break> holds no text"),
        ('<speak><sub alias="a"><s>x</s></sub></speak>', "<sub> holds no elements"),
        ("<speak>" + '<break time="10s"/>' * 13 + "</speak>", "all breaks together"),
        ("no markup", "line 1, column 1: syntax error"),
    ],
)
def test_wrong_markup_is_refused_with_its_place(text: str, match: str) -> None:
    with pytest.raises(InvalidFieldError, match=match) as refused:
        read_ssml(text)
    assert refused.value.code == "invalid_ssml"


@pytest.mark.parametrize(
    "document_type",
    [
        '<!DOCTYPE speak [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;">]>',
        '<!DOCTYPE speak [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE speak SYSTEM "http://example.com/x.dtd">',
    ],
)
def test_no_entity_is_ever_expanded(document_type: str) -> None:
    with pytest.raises(InvalidFieldError, match="document type"):
        read_ssml(f"{document_type}<speak>&a;</speak>")


def test_deep_nesting_is_read_to_its_end() -> None:
    assert read_ssml("<speak>" + "<p>" * 600 + "x" + "</p>" * 600 + "</speak>")[0].text == "x"
