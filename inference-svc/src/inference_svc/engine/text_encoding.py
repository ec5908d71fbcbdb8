"""Texts to token ids, safely from several threads."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import tokenizers
import torch
from torch import Tensor
from transformers import AutoTokenizer

from fleetserve.errors import InvalidFieldError

Ids = npt.NDArray[np.int64]

# Tokenizers that say nothing have this as "no limit".
_NO_LIMIT = 1_000_000


@dataclass(frozen=True, slots=True)
class TokenRow:
    """One text; ``types`` where the model takes token types; ``cut``: tokens beyond the limit."""

    ids: Ids
    types: Ids | None
    cut: int = 0

    @property
    def warning(self) -> str:
        """What its caller should know; empty where nothing was cut."""
        if not self.cut:
            return ""
        kept = len(self.ids)
        return f"was cut: the model reads {kept} tokens, {self.cut} more were left out"


class TextEncoder(Protocol):
    """Encodes a text or a pair, special tokens included, cut at the limit. Any thread."""

    pad_id: int

    def encode(self, text: str, pair: str | None = None) -> TokenRow: ...

    def take(self, ids: Sequence[int], vocabulary: int) -> TokenRow:
        """Ids that were made elsewhere by this tokenizer, taken as they are.

        Raises: InvalidFieldError: named ``inputs``: none, too many, or one that isn't its.
        """
        ...


def load_encoder(
    folder: Path,
    max_tokens: int | None,
    model_limit: int | None,
    *,
    truncation: str = "longest_first",
) -> TextEncoder:
    """The repo's own tokenizer.

    Args:
        folder: Holds its files.
        max_tokens: Where texts are cut; None: at the lesser of what tokenizer and model allow.
        model_limit: Positions of the model; None: not bounded.
        truncation: Which of a pair is cut: longest_first, only_first or only_second.
    """
    tokenizer = load_tokenizer(folder)
    limit = max_tokens or token_limit(tokenizer, model_limit) or _NO_LIMIT
    types = "token_type_ids" in tokenizer.model_input_names
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        return _SlowEncoder(tokenizer, limit, types, truncation)
    return _FastEncoder(backend, limit, padding_id(tokenizer), types, truncation)


def load_tokenizer(folder: Path) -> Any:
    """The library's own object for the repo's files."""
    return AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)


def token_limit(tokenizer: Any, model_limit: int | None) -> int | None:
    """The lesser of what tokenizer and model allow; None: neither says."""
    limits = [n for n in (tokenizer.model_max_length, model_limit) if n and n < _NO_LIMIT]
    return min(limits, default=None)


def padding_id(tokenizer: Any) -> int:
    """The padding's, else what the end of a text has."""
    ids = (tokenizer.pad_token_id, tokenizer.eos_token_id)
    return next((one for one in ids if one is not None), 0)


def pad_rows(rows: Sequence[TokenRow], pad_id: int, device: str) -> dict[str, Tensor]:
    """A model's inputs, padded on the right to the longest."""
    longest = max(len(row.ids) for row in rows)
    ids = np.full((len(rows), longest), pad_id, dtype=np.int64)
    mask = np.zeros((len(rows), longest), dtype=np.int64)
    types = np.zeros((len(rows), longest), dtype=np.int64)
    for place, row in enumerate(rows):
        size = len(row.ids)
        ids[place, :size] = row.ids
        mask[place, :size] = 1
        if row.types is not None:
            types[place, :size] = row.types
    named = {"input_ids": ids, "attention_mask": mask}
    if rows[0].types is not None:
        named["token_type_ids"] = types
    return {name: torch.from_numpy(a).to(device) for name, a in named.items()}


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

    def __init__(
        self, backend: tokenizers.Tokenizer, limit: int, pad_id: int, types: bool, truncation: str
    ) -> None:
        self.pad_id = pad_id
        self._limit = limit
        self._types = types
        # A copy, so that nobody else's settings reach it.
        self._tokenizer = tokenizers.Tokenizer.from_str(backend.to_str())
        self._tokenizer.no_padding()
        if limit < _NO_LIMIT:
            self._tokenizer.enable_truncation(limit, strategy=truncation)
        else:
            self._tokenizer.no_truncation()

    def encode(self, text: str, pair: str | None = None) -> TokenRow:
        encoding = self._tokenizer.encode(text, pair)
        types = np.array(encoding.type_ids, dtype=np.int64) if self._types else None
        cut = self._count_cut(encoding, text, pair) if encoding.overflowing else 0
        return TokenRow(np.array(encoding.ids, dtype=np.int64), types, cut)

    def take(self, ids: Sequence[int], vocabulary: int) -> TokenRow:
        return _take(ids, vocabulary, self._limit, types=self._types)

    def _count_cut(self, encoding: tokenizers.Encoding, text: str, pair: str | None) -> int:
        # Of a pair, what overflows comes in every combination of its two halves.
        if pair is not None:
            return len(self._uncut.encode(text, pair).ids) - len(encoding.ids)
        return sum(own_tokens(more) for more in encoding.overflowing)

    @cached_property
    def _uncut(self) -> tokenizers.Tokenizer:
        copy = tokenizers.Tokenizer.from_str(self._tokenizer.to_str())
        copy.no_truncation()
        return copy


def own_tokens(encoding: tokenizers.Encoding) -> int:
    """How many tokens are of the text itself."""
    return len(encoding.ids) - sum(encoding.special_tokens_mask)


class _SlowEncoder:
    """A tokenizer in Python: transformers' own call, which leaves such objects alone."""

    def __init__(self, tokenizer: Any, limit: int, types: bool, truncation: str) -> None:
        self.pad_id = padding_id(tokenizer)
        self._tokenizer = tokenizer
        self._limit = limit
        self._types = types
        self._truncation = truncation if limit < _NO_LIMIT else False

    def encode(self, text: str, pair: str | None = None) -> TokenRow:
        found = self._tokenizer(text, pair, truncation=self._truncation, max_length=self._limit)
        ids = np.array(found["input_ids"], dtype=np.int64)
        types = np.array(found["token_type_ids"], dtype=np.int64) if self._types else None
        cut = len(self._tokenizer(text, pair)["input_ids"]) - len(ids) if self._is_full(ids) else 0
        return TokenRow(ids, types, cut)

    def _is_full(self, ids: Ids) -> bool:
        return len(ids) >= self._limit

    def take(self, ids: Sequence[int], vocabulary: int) -> TokenRow:
        return _take(ids, vocabulary, self._limit, types=self._types)
