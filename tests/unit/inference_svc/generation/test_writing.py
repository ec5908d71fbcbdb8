import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference_svc.generation.writing import Writing


def decode(ids: list[int]) -> str:
    """Tokens are bytes."""
    return bytes(ids).decode("utf-8", "replace")


def write(text: bytes, stop: tuple[str, ...] = (), before: bytes = b"") -> tuple[list[str], str]:
    writing = Writing(lambda ids: decode(list(ids)), list(before), stop)
    pieces = []
    for byte in text:
        pieces.append(writing.add(byte))
        if writing.stopped:
            break
    return pieces, writing.finish()


def test_a_character_of_several_tokens_comes_whole() -> None:
    pieces, rest = write("aé🙂b".encode())
    assert pieces == ["a", "", "é", "", "", "", "🙂", "b"]
    assert rest == ""


def test_half_a_character_at_the_end_is_shown_as_the_library_does() -> None:
    pieces, rest = write("a🙂".encode()[:3])
    assert pieces == ["a", "", ""]
    assert rest == "\N{REPLACEMENT CHARACTER}"


def test_a_stop_string_ends_it_and_what_could_become_one_waits() -> None:
    pieces, rest = write(b"one stop two", stop=("stop",))
    assert pieces == ["o", "n", "e", " ", "", "", "", ""]
    assert rest == ""


def test_what_did_not_become_a_stop_string_is_text() -> None:
    pieces, rest = write(b"stack", stop=("stop",))
    assert "".join(pieces) + rest == "stack"
    pieces, rest = write(b"a sto", stop=("stop",))
    assert ("".join(pieces), rest) == ("a ", "sto")


def test_the_earliest_of_several_stop_strings_counts() -> None:
    pieces, rest = write(b"abcdef", stop=("def", "cd"))
    assert "".join(pieces) + rest == "ab"


@given(st.text(max_size=30), st.text(max_size=8))
def test_the_pieces_are_the_whole_text(text: str, before: str) -> None:
    pieces, rest = write(text.encode(), before=before.encode())
    assert "".join(pieces) + rest == text


@given(st.text("abc", max_size=30), st.lists(st.text("abc", min_size=1, max_size=4), max_size=3))
def test_no_stop_string_is_ever_told(text: str, stop: list[str]) -> None:
    pieces, rest = write(text.encode(), stop=tuple(stop))
    told = "".join(pieces) + rest
    assert text.startswith(told)
    assert not any(one in told for one in stop)
    if not any(one in text for one in stop):
        assert told == text


@pytest.mark.parametrize("stop", [(), ("",)])
def test_an_empty_stop_string_is_none(stop: tuple[str, ...]) -> None:
    pieces, _ = write(b"ab", stop=stop)
    assert pieces == ["a", "b"]
