"""From the start and end logits of windows to the best spans of a context; pure."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from tokenizers import Encoding

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]  # Products of small probabilities don't vanish in them.
_NEVER = float("-inf")


@dataclass(frozen=True, slots=True)
class WindowScores:
    """Logits of one window: float32 [tokens] each."""

    start: Floats
    end: Floats


@dataclass(frozen=True, slots=True)
class Span:
    """Characters of the context; an empty span: there is no answer in it."""

    start: int
    end: int
    score: float


def best_spans(
    encodings: Sequence[Encoding],
    scores: Sequence[WindowScores],
    *,
    longest: int,
    count: int,
    impossible: bool,
    whole_words: bool,
) -> list[Span]:
    """The likeliest spans, the best first, none twice; always at least one.

    A span's score is the probability that it starts there times that it ends there, over the
    context's tokens in all windows; with ``impossible`` the first token, which stands for "no
    answer", is among them.

    Args:
        encodings: Of the windows; the question first, then the context.
        scores: Of the windows, in the same order.
        longest: Tokens of an answer at most.
        count: How many are wanted at most.
        impossible: Whether "no answer" is one.
        whole_words: Widen spans to the words they touch.
    """
    masks = [_context_mask(encoding, impossible) for encoding in encodings]
    starts = _probabilities([one.start for one in scores], masks)
    ends = _probabilities([one.end for one in scores], masks)
    found: dict[tuple[int, int], float] = {}
    for encoding, start, end in zip(encodings, starts, ends, strict=True):
        if impossible:
            # Windows that see no answer say so; the whole has none only if each says so.
            nothing = float(start[0] * end[0])
            found[0, 0] = min(found.get((0, 0), nothing), nothing)
            start[0] = end[0] = 0.0
        for first, last, score in _candidates(start, end, longest, count):
            place = _characters(encoding, first, last, whole_words)
            found[place] = max(found.get(place, 0.0), score)
    ranked = sorted(found.items(), key=lambda one: -one[1])[:count]
    return [Span(place[0], place[1], score) for place, score in ranked]


def _context_mask(encoding: Encoding, impossible: bool) -> npt.NDArray[np.bool_]:
    mask = np.array([number == 1 for number in encoding.sequence_ids], dtype=np.bool_)
    mask[0] |= impossible
    return mask


def _probabilities(
    logits: Sequence[Floats], masks: Sequence[npt.NDArray[np.bool_]]
) -> list[Doubles]:
    """One softmax over what the masks leave of all windows."""
    kept = [
        np.where(mask, one.astype(np.float64), _NEVER)
        for one, mask in zip(logits, masks, strict=True)
    ]
    top = max(float(one.max()) for one in kept)
    powers = [np.exp(one - top) for one in kept]
    total = sum(float(one.sum()) for one in powers)
    return [one / total for one in powers]


def _candidates(
    start: Doubles, end: Doubles, longest: int, count: int
) -> list[tuple[int, int, float]]:
    """First and last token of the best spans of a window."""
    # An answer is at most `longest` tokens: a band of the matrix, not the whole of it.
    size = len(start)
    span = min(longest, size)
    padded = np.concatenate([end, np.zeros(span - 1)])
    band = start[:, None] * np.lib.stride_tricks.sliding_window_view(padded, span)
    flat = band.ravel()
    wanted = min(count, flat.size)
    top = np.argpartition(-flat, wanted - 1)[:wanted]
    top = top[np.argsort(-flat[top], kind="stable")]
    # What is no token of the context has the probability 0.
    return [
        (int(n) // span, int(n) // span + int(n) % span, float(flat[n])) for n in top if flat[n]
    ]


def _characters(encoding: Encoding, first: int, last: int, whole_words: bool) -> tuple[int, int]:
    if whole_words:
        words = (encoding.token_to_word(first), encoding.token_to_word(last))
        if words[0] is not None and words[1] is not None:
            begin, end = encoding.word_to_chars(words[0], 1), encoding.word_to_chars(words[1], 1)
            if begin is not None and end is not None:
                return begin[0], end[1]
    return encoding.offsets[first][0], encoding.offsets[last][1]
