"""The tokenizer of a model that writes: texts to tokens in any language, and tokens to texts."""

from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from inference_svc.engine.text_encoding import TokenRow, load_tokenizer, padding_id, token_limit


class Text2TextEncoder:
    """The library's own object, which keeps the source language: used by one thread at a time.

    Attributes:
        limit: Tokens that the model reads at most; None: not bounded.
    """

    def __init__(self, folder: Path, model_limit: int | None) -> None:
        self.tokenizer: Any = load_tokenizer(folder)
        self.limit = token_limit(self.tokenizer, model_limit)
        self.pad_id = padding_id(self.tokenizer)
        self._lock = Lock()

    def encode(self, text: str, source: str | None) -> TokenRow:
        """With special tokens, cut at the limit."""
        with self._lock:
            if source is not None:
                self.tokenizer.src_lang = source
            ids = self._ids(text, truncation=self.limit is not None)
            full = self.limit is not None and len(ids) >= self.limit
            cut = len(self._ids(text, truncation=False)) - len(ids) if full else 0
        return TokenRow(np.array(ids, dtype=np.int64), None, cut)

    def decode(self, ids: list[int]) -> str:
        """Without special tokens."""
        with self._lock:
            text: str = self.tokenizer.decode(
                ids, skip_special_tokens=True, clean_up_tokenization_spaces=False
            )
        return text

    def _ids(self, text: str, *, truncation: bool) -> list[int]:
        limit = self.limit if truncation else None
        # Not verbose: it would say of each long text that it is long.
        found = self.tokenizer(text, truncation=truncation, max_length=limit, verbose=False)
        ids: list[int] = found["input_ids"]
        return ids
