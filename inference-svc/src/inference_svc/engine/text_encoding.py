"""Texts to token ids, safely from several threads."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import tokenizers
from transformers import AutoTokenizer

from fleetserve.errors import InvalidFieldError

Ids = npt.NDArray[np.int64]

# Tokenizers that say nothing have this as "no limit".
_NO_LIMIT = 1_000_000


@dataclass(frozen=True, slots=True)
class TokenRow:
    """One text; ``types`` where the model takes token types."""

    ids: Ids
    types: Ids | None


class TextEncoder(Protocol):
    """Encodes one text, special tokens included, cut at the limit. Any thread."""

    pad_id: int

    def encode(self, text: str) -> TokenRow: ...

    def take(self, ids: Sequence[int], vocabulary: int) -> TokenRow:
        """Ids that were made elsewhere by this tokenizer, taken as they are.

        Raises: InvalidFieldError: named ``inputs``: none, too many, or one that isn't its.
        """
        ...


def load_encoder(folder: Path, max_tokens: int | None, model_limit: int | None) -> TextEncoder:
    """The repo's own tokenizer.

    Args:
        folder: Holds its files.
        max_tokens: Where texts are cut; None: at the lesser of what tokenizer and model allow.
        model_limit: Positions of the model; None: not bounded.
    """
    tokenizer: Any = AutoTokenizer.from_pretrained(
        folder, local_files_only=True, trust_remote_code=False
    )
    limits = [n for n in (tokenizer.model_max_length, model_limit) if n and n < _NO_LIMIT]
    limit = max_tokens or min(limits, default=_NO_LIMIT)
    types = "token_type_ids" in tokenizer.model_input_names
    pad_id = tokenizer.pad_token_id or 0
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        return _SlowEncoder(tokenizer, limit, pad_id, types)
    return _FastEncoder(backend, limit, pad_id, types)


def _take(ids: Sequence[int], vocabulary: int, limit: int, *, types: bool) -> TokenRow:
    if not ids:
        raise InvalidFieldError("inputs", "has no token")
    if len(ids) > limit:
        raise InvalidFieldError("inputs", f"has {len(ids)} tokens; this model takes {limit}")
    if min(ids) < 0 or max(ids) >= vocabulary:
        raise InvalidFieldError(
            "inputs", f"has a token that is not one of this model's {vocabulary}"
        )
    row = np.array(ids, dtype=np.int64)
    return TokenRow(row, np.zeros_like(row) if types else None)


class _FastEncoder:
    """The Rust tokenizer directly.

    transformers' own call costs ten times as much per text, and sets truncation and padding on
    the shared object each time.
    """

    def __init__(self, backend: tokenizers.Tokenizer, limit: int, pad_id: int, types: bool) -> None:
        self.pad_id = pad_id
        self._limit = limit
        self._types = types
        # A copy, so that nobody else's settings reach it.
        self._tokenizer = tokenizers.Tokenizer.from_str(backend.to_str())
        self._tokenizer.no_padding()
        if limit < _NO_LIMIT:
            self._tokenizer.enable_truncation(limit)
        else:
            self._tokenizer.no_truncation()

    def encode(self, text: str) -> TokenRow:
        encoding = self._tokenizer.encode(text)
        types = np.array(encoding.type_ids, dtype=np.int64) if self._types else None
        return TokenRow(np.array(encoding.ids, dtype=np.int64), types)

    def take(self, ids: Sequence[int], vocabulary: int) -> TokenRow:
        return _take(ids, vocabulary, self._limit, types=self._types)


class _SlowEncoder:
    """A tokenizer in Python: transformers' own call, which leaves such objects alone."""

    def __init__(self, tokenizer: Any, limit: int, pad_id: int, types: bool) -> None:
        self.pad_id = pad_id
        self._tokenizer = tokenizer
        self._limit = limit
        self._types = types

    def encode(self, text: str) -> TokenRow:
        found = self._tokenizer(text, truncation=self._limit < _NO_LIMIT, max_length=self._limit)
        types = np.array(found["token_type_ids"], dtype=np.int64) if self._types else None
        return TokenRow(np.array(found["input_ids"], dtype=np.int64), types)

    def take(self, ids: Sequence[int], vocabulary: int) -> TokenRow:
        return _take(ids, vocabulary, self._limit, types=self._types)
