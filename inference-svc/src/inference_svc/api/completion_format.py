"""Completions in OpenAI's two shapes, whole and chunk by chunk; pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from inference_svc.generation.base import FinishReason, Piece, TokenLogprob

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Head:
    """What every chunk of an answer begins with; ``created_s`` is the epoch's."""

    id: str
    created_s: int
    model: str
    revision: str

    def fields(self, kind: str) -> Json:
        return {
            "id": self.id,
            "object": kind,
            "created": self.created_s,
            "model": self.model,
            "system_fingerprint": f"fp_{self.revision[:12]}",
        }


@dataclass(slots=True)
class Written:
    """One choice as far as it has been written."""

    begun: bool = False
    text: str = ""
    tokens: int = 0
    logprobs: list[TokenLogprob] = field(default_factory=list)
    finish_reason: FinishReason | None = None

    def take(self, piece: Piece) -> None:
        self.begun = True
        self.text += piece.text
        self.tokens += piece.tokens
        self.logprobs += piece.logprobs
        self.finish_reason = piece.finish_reason


class Format(Protocol):
    """One of the two shapes."""

    prefix: str

    def whole(self, head: Head, choices: Sequence[Written], usage: Json) -> Json: ...

    def opening(self, choice: int) -> Json | None:
        """What a choice's first chunk says before any text."""
        ...

    def piece(self, choice: int, before: Written, piece: Piece) -> Json:
        """A chunk's choice; ``before`` is what was written of it already."""
        ...

    def chunk(self, head: Head, choices: Sequence[Json]) -> Json: ...


class ChatFormat:
    """chat.completion and chat.completion.chunk."""

    prefix = "chatcmpl-"

    def __init__(self, *, logprobs: bool) -> None:
        self._logprobs = logprobs

    def whole(self, head: Head, choices: Sequence[Written], usage: Json) -> Json:
        return {
            **head.fields("chat.completion"),
            "choices": [
                {
                    "index": index,
                    "message": {"role": "assistant", "content": one.text, "refusal": None},
                    "logprobs": self._told(one.logprobs),
                    "finish_reason": one.finish_reason,
                }
                for index, one in enumerate(choices)
            ],
            "usage": usage,
        }

    def opening(self, choice: int) -> Json | None:
        return self._choice(choice, {"role": "assistant", "content": ""}, None, None)

    def piece(self, choice: int, before: Written, piece: Piece) -> Json:
        del before  # No offsets are told here.
        delta = {"content": piece.text} if piece.text else {}
        return self._choice(choice, delta, self._told(piece.logprobs), piece.finish_reason)

    def chunk(self, head: Head, choices: Sequence[Json]) -> Json:
        return {**head.fields("chat.completion.chunk"), "choices": list(choices)}

    def _choice(self, index: int, delta: Json, logprobs: Json | None, reason: Any) -> Json:
        return {"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": reason}

    def _told(self, logprobs: Sequence[TokenLogprob]) -> Json | None:
        if not self._logprobs:
            return None
        return {
            "content": [
                {**_entry(one), "top_logprobs": [_entry(t) for t in one.top]} for one in logprobs
            ],
            "refusal": None,
        }


class TextFormat:
    """text_completion. ``echoes``: what each choice begins with, the prompt or nothing."""

    prefix = "cmpl-"

    def __init__(self, *, logprobs: bool, echoes: Sequence[str]) -> None:
        self._logprobs = logprobs
        self._echoes = echoes

    def whole(self, head: Head, choices: Sequence[Written], usage: Json) -> Json:
        return {
            **head.fields("text_completion"),
            "choices": [
                self._choice(index, self._echoes[index] + one.text, one, 0)
                for index, one in enumerate(choices)
            ],
            "usage": usage,
        }

    def opening(self, choice: int) -> Json | None:
        echo = self._echoes[choice]
        return self._choice(choice, echo, Written(), 0) if echo else None

    def piece(self, choice: int, before: Written, piece: Piece) -> Json:
        one = Written(logprobs=list(piece.logprobs), finish_reason=piece.finish_reason)
        return self._choice(choice, piece.text, one, sum(len(t.text) for t in before.logprobs))

    def chunk(self, head: Head, choices: Sequence[Json]) -> Json:
        return {**head.fields("text_completion"), "choices": list(choices)}

    def _choice(self, index: int, text: str, written: Written, offset: int) -> Json:
        return {
            "index": index,
            "text": text,
            "logprobs": self._told(written.logprobs, offset),
            "finish_reason": written.finish_reason,
        }

    def _told(self, logprobs: Sequence[TokenLogprob], offset: int) -> Json | None:
        if not self._logprobs:
            return None
        offsets = []
        for one in logprobs:
            offsets.append(offset)
            offset += len(one.text)
        return {
            "tokens": [one.text for one in logprobs],
            "token_logprobs": [one.logprob for one in logprobs],
            "top_logprobs": [{t.text: t.logprob for t in one.top} for one in logprobs],
            "text_offset": offsets,
        }


def usage_of(prompt_tokens: int, choices: Sequence[Written]) -> Json:
    written = sum(one.tokens for one in choices)
    return {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": written,
        "total_tokens": prompt_tokens + written,
    }


def _entry(one: TokenLogprob) -> Json:
    return {"token": one.text, "logprob": one.logprob, "bytes": list(one.text.encode())}
