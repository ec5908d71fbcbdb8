"""Text to VITS's token ids, as the library's tokenizer makes them."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import uroman
from transformers import VitsTokenizer

from audio_svc.speech.word_times import sounds
from fleetserve.errors import InvalidFieldError

QUOTED_CHARS = 60


@dataclass(frozen=True, slots=True)
class VitsTokens:
    """A text as the model takes it.

    Attributes:
        places: Of each id, which of ``text.split()`` it is of; None: of none, or nobody knows.
    """

    ids: list[int]
    places: list[int | None]


class VitsText:
    """The tokenizer of a checkpoint.

    The library makes its romaniser anew for every text that needs one, which takes 6 s of CPU;
    here one is made at loading, for all models.
    """

    def __init__(self, folder: Path) -> None:
        self._tokenizer = VitsTokenizer.from_pretrained(folder, local_files_only=True)
        self._uroman = _make_romaniser() if self._tokenizer.is_uroman else None
        self._tokenizer.is_uroman = False

    def read(self, text: str) -> VitsTokens:
        """Raises: InvalidFieldError: no character of it is in the model's alphabet."""
        tokenizer = self._tokenizer
        written = text
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
        words = text.split()
        told = len(words) == len(written.split()) and not tokenizer.phonemize
        return VitsTokens(ids, self._places(words, ids) if told else [None] * len(ids))

    def _places(self, words: list[str], ids: list[int]) -> list[int | None]:
        """Of each token; word by word, where that gives the very tokens of the whole."""
        tokenizer = self._tokenizer
        gap = " " if " " in tokenizer.encoder else ""
        signs = ""
        places: list[int] = []
        for place, word in enumerate(words):
            kept = tokenizer.prepare_for_tokenization(word)[0] + gap
            signs += kept
            places += [place] * len(kept)
        begin = len(signs) - len(signs.lstrip())
        signs = signs.strip()
        places = places[begin : begin + len(signs)]
        each = 2 if tokenizer.add_blank else 1
        if tokenizer.convert_tokens_to_ids(list(signs)) != ids[each - 1 :: each]:
            return [None] * len(ids)
        heard = [place if sounds(sign) else None for sign, place in zip(signs, places, strict=True)]
        # The blank behind a sign belongs to it; the first stands before them all.
        return [None] * (each - 1) + [place for place in heard for _ in range(each)]


@cache
def _make_romaniser() -> uroman.Uroman:
    return uroman.Uroman()
