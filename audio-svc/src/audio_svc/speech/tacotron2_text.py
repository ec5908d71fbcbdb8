"""Text to the symbols of the English Tacotron2s, which NVIDIA and SpeechBrain share.

Source: keithito/tacotron's symbol set: a blank, punctuation, letters, then 84 ARPAbet signs that
plain text never uses.
"""

import unicodedata

from audio_svc.speech.word_times import sounds

SYMBOLS = "_-!'(),.:;? ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
BLANK = "_"
_PLACES = {symbol: place for place, symbol in enumerate(SYMBOLS)}
_OTHER_SIGNS = str.maketrans({"’": "'", "‘": "'", "“": "", "”": "", "–": "-", "—": "-", "…": "."})


def text_to_ids(text: str) -> list[int]:
    """Lower case without accents; what no symbol stands for is left out."""
    return [_PLACES[sign] for sign, _ in _read(text)]


def word_places(text: str) -> list[int | None]:
    """Of each of the ids, which of ``text.split()`` it is of; None: a space, a sign of a pause."""
    return [place if sounds(sign) else None for sign, place in _read(text)]


def _read(text: str) -> list[tuple[str, int]]:
    """Signs with the place of their word, a space before each word but the first."""
    signs: list[tuple[str, int]] = []
    for place, word in enumerate(text.split()):
        plain = unicodedata.normalize("NFKD", word.translate(_OTHER_SIGNS)).lower()
        kept = "".join(sign for sign in plain if sign in _PLACES and sign != BLANK).split()
        signs += [(sign, place) for part in kept for sign in f" {part}"]
    return signs[1:]
