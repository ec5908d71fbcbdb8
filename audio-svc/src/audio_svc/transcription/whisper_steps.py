"""What rides along while the library generates: a pause at each token, and its probability."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from transformers import LogitsProcessor


class TokenLog(LogitsProcessor):
    """The last logits processor: pauses before each token, notes how likely the last one was.

    Whisper generates window by window; a prefix that does not grow by one begins a new window.
    In beam search the rows change places, so what is noted is noted under the tokens so far.
    (The library could return all scores instead: 200 kB per token and beam.)
    """

    def __init__(self, pause: Callable[[], None]) -> None:
        self._pause = pause
        self._windows: list[dict[tuple[int, ...], float]] = []
        self._start = 0
        self._length = -1
        self._rows: dict[tuple[int, ...], int] = {}
        self._log_probs = torch.empty(0)

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        self._pause()
        length = input_ids.shape[1]
        if length != self._length + 1:
            self._windows.append({})
            self._start = length
            self._rows = {}
        prefixes = [tuple(row[self._start :]) for row in input_ids.tolist()]
        for prefix in prefixes:
            parent = self._rows.get(prefix[:-1]) if prefix else None
            if parent is not None:
                self._windows[-1][prefix] = float(self._log_probs[parent, prefix[-1]])
        self._length = length
        self._rows = {prefix: row for row, prefix in enumerate(prefixes)}
        self._log_probs = torch.log_softmax(scores.float(), dim=-1)
        return scores

    def mean(self, window: int, tokens: Sequence[int], first: int) -> float:
        """Mean log-probability of the window's tokens from place ``first`` on.

        tokens: All of the window's new tokens up to the last one that counts.
        """
        table = self._windows[window]
        prefixes = (tuple(tokens[: end + 1]) for end in range(first, len(tokens)))
        values = [table[prefix] for prefix in prefixes if prefix in table]
        return sum(values) / len(values) if values else 0.0
