"""Long texts as windows that overlap, with the place of every token in its text."""

from functools import lru_cache
from pathlib import Path

import numpy as np
import tokenizers

from inference_svc.engine.text_encoding import TokenRow, load_tokenizer, token_limit

# Copies of the tokenizer with other settings; one takes some MiB and 50 ms.
MAX_COPIES = 4
_UNBOUNDED = 512  # Windows for models that say no limit.


class NoOffsetsError(Exception):
    """The tokenizer is one in Python, which doesn't say where in the text a token stands."""


class Window:
    """Some of a text's tokens, special tokens included.

    Attributes:
        row: What the model takes.
        encoding: The tokenizer's own: offsets, special_tokens_mask, sequence_ids.
    """

    __slots__ = ("encoding", "row")

    def __init__(self, encoding: tokenizers.Encoding, types: bool) -> None:
        self.encoding = encoding
        found = np.array(encoding.type_ids, dtype=np.int64) if types else None
        self.row = TokenRow(np.array(encoding.ids, dtype=np.int64), found)


class WindowEncoder:
    """The repo's own tokenizer. Any thread.

    Attributes:
        limit: Tokens that the model reads at most.

    Raises: NoOffsetsError: when it is made.
    """

    def __init__(self, folder: Path, model_limit: int | None) -> None:
        tokenizer = load_tokenizer(folder)
        backend = getattr(tokenizer, "backend_tokenizer", None)
        if backend is None:
            raise NoOffsetsError(f"its tokenizer ({type(tokenizer).__name__}) gives no offsets")
        self.limit = token_limit(tokenizer, model_limit) or _UNBOUNDED
        self._types = "token_type_ids" in tokenizer.model_input_names
        self._source: str = backend.to_str()
        self._plain = tokenizers.Tokenizer.from_str(self._source)
        self._plain.no_padding()
        self._plain.no_truncation()
        self._cutting = lru_cache(MAX_COPIES)(self._copy)

    def count(self, text: str) -> int:
        """Tokens of a text, without special ones."""
        return len(self._plain.encode(text, add_special_tokens=False).ids)

    def special_count(self) -> int:
        """Special tokens around a pair."""
        return int(self._plain.num_special_tokens_to_add(is_pair=True))

    def windows(
        self, text: str, pair: str | None = None, *, size: int, overlap: int
    ) -> list[Window]:
        """At most ``size`` tokens each; neighbours share ``overlap`` of the text that is cut.

        That is ``pair`` where there is one; there must be room for more of it than the overlap.
        """
        strategy = "longest_first" if pair is None else "only_second"
        encoding = self._cutting(size, overlap, strategy).encode(text, pair)
        return [Window(one, self._types) for one in (encoding, *encoding.overflowing)]

    def _copy(self, size: int, overlap: int, strategy: str) -> tokenizers.Tokenizer:
        copy = tokenizers.Tokenizer.from_str(self._source)
        copy.no_padding()
        copy.enable_truncation(size, stride=overlap, strategy=strategy)
        return copy
