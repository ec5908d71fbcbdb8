"""Text to the symbols of the English Tacotron2s, which NVIDIA and SpeechBrain share.

Source: keithito/tacotron's symbol set: a blank, punctuation, letters, then 84 ARPAbet signs that
plain text never uses.
"""

import unicodedata

SYMBOLS = "_-!'(),.:;? ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
BLANK = "_"
_PLACES = {symbol: place for place, symbol in enumerate(SYMBOLS)}
_OTHER_SIGNS = str.maketrans({"’": "'", "‘": "'", "“": "", "”": "", "–": "-", "—": "-", "…": "."})


def text_to_ids(text: str) -> list[int]:
    """Lower case without accents; what no symbol stands for is left out."""
    plain = unicodedata.normalize("NFKD", text.translate(_OTHER_SIGNS)).lower()
    kept = "".join(sign for sign in plain if sign in _PLACES and sign != BLANK)
    return [_PLACES[sign] for sign in " ".join(kept.split())]
