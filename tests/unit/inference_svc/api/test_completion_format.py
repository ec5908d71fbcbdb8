from typing import Any

from inference_svc.api.completion_format import (
    ChatFormat,
    Head,
    TextFormat,
    Written,
    usage_of,
)
from inference_svc.generation.base import FinishReason, Piece, TokenLogprob

HEAD = Head("cmpl-1", 7, "m", "0123456789abcdef")
B = TokenLogprob(2, "b", -1.0)
A = TokenLogprob(1, "a", -0.5, (TokenLogprob(1, "a", -0.5), B))
FIRST = Piece("a", 1, (A,))
LAST = Piece("", 1, (), FinishReason.STOP)


def written(*pieces: Piece) -> Written:
    found = Written()
    for piece in pieces:
        found.take(piece)
    return found


def test_usage_counts_every_choice() -> None:
    assert usage_of(3, [written(FIRST, LAST), written(FIRST)]) == {
        "prompt_tokens": 3,
        "completion_tokens": 3,
        "total_tokens": 6,
    }


def test_whole_chat() -> None:
    content = ChatFormat(logprobs=True).whole(HEAD, [written(FIRST, LAST)], {})
    assert (content["object"], content["system_fingerprint"]) == (
        "chat.completion",
        "fp_0123456789ab",
    )
    (choice,) = content["choices"]
    assert choice["message"] == {"role": "assistant", "content": "a", "refusal": None}
    assert choice["finish_reason"] == "stop"
    (token,) = choice["logprobs"]["content"]
    assert (token["token"], token["bytes"], len(token["top_logprobs"])) == ("a", [97], 2)


def test_chat_in_chunks() -> None:
    form = ChatFormat(logprobs=False)
    assert form.opening(1) == {
        "index": 1,
        "delta": {"role": "assistant", "content": ""},
        "logprobs": None,
        "finish_reason": None,
    }
    assert form.piece(1, Written(), FIRST)["delta"] == {"content": "a"}
    last: Any = form.piece(1, written(FIRST), LAST)
    assert (last["delta"], last["finish_reason"]) == ({}, "stop")
    assert form.chunk(HEAD, [last])["object"] == "chat.completion.chunk"


def test_whole_text() -> None:
    form = TextFormat(logprobs=True, echoes=["say ", ""])
    content = form.whole(HEAD, [written(FIRST, LAST), written(FIRST)], {})
    assert [one["text"] for one in content["choices"]] == ["say a", "a"]
    assert content["choices"][0]["logprobs"] == {
        "tokens": ["a"],
        "token_logprobs": [-0.5],
        "top_logprobs": [{"a": -0.5, "b": -1.0}],
        "text_offset": [0],
    }


def test_text_in_chunks_counts_its_offsets_on() -> None:
    form = TextFormat(logprobs=True, echoes=["say ", ""])
    assert form.opening(1) is None
    assert form.opening(0)["text"] == "say "  # type: ignore[index]
    second = form.piece(0, written(FIRST), Piece("b", 1, (B,)))
    assert (second["text"], second["logprobs"]["text_offset"]) == ("b", [1])
    assert form.chunk(HEAD, [second])["object"] == "text_completion"


def test_logprobs_that_were_not_asked_for_are_null() -> None:
    form = TextFormat(logprobs=False, echoes=[""])
    assert form.piece(0, Written(), FIRST)["logprobs"] is None
