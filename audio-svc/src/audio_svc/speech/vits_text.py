"""Text to VITS's token ids, as the library's tokenizer makes them."""

from functools import cache
from pathlib import Path

import uroman
from transformers import VitsTokenizer

from fleetserve.errors import InvalidFieldError

QUOTED_CHARS = 60


class VitsText:
    """The tokenizer of a checkpoint.

    The library makes its romaniser anew for every text that needs one, which takes 6 s of CPU;
    here one is made at loading, for all models.
    """

    def __init__(self, folder: Path) -> None:
        self._tokenizer = VitsTokenizer.from_pretrained(folder, local_files_only=True)
        self._uroman = _make_romaniser() if self._tokenizer.is_uroman else None
        self._tokenizer.is_uroman = False

    def ids(self, text: str) -> list[int]:
        """Raises: InvalidFieldError: no character of it is in the model's alphabet."""
        tokenizer = self._tokenizer
        if self._uroman is not None and not text.isascii():
            lowered = tokenizer.normalize_text(text) if tokenizer.normalize else text
            text = self._uroman.romanize_string(lowered)
        ids: list[int] = tokenizer(text).input_ids
        # A blank stands between any two characters and at each end.
        if len(ids) <= int(tokenizer.add_blank):
            raise InvalidFieldError(
                "inputs",
                f"no character of {text[:QUOTED_CHARS]!r} is in the model's alphabet; write it in "
                "words of its language",
            )
        return ids


@cache
def _make_romaniser() -> uroman.Uroman:
    return uroman.Uroman()
