"""Text as ``tiny_tts`` says it: words to sounds by a table, and the pauses of the signs."""

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

PAUSE = "_"
# A pause has the name of its sign: the voice before it falls, rises or stays.
ENDINGS = {",": "_,", ";": "_,", ":": "_,", ".": "_.", "?": "_?", "!": "_!"}
STRESSES = ("", ",", "'")
DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_TOKEN = re.compile(r"[a-z']+|[0-9]|[,;:.?!]")
_APOSTROPHES = str.maketrans({"’": "'", "‘": "'"})


@dataclass(frozen=True, slots=True)
class MarkedSound:
    """A phoneme.

    Attributes:
        stress: 0 none, 1 second, 2 first.
        begins: It is the first of its word.
        place: Which of ``text.split()`` it is of; None: of none, as a pause.
    """

    name: str
    stress: int
    begins: bool
    place: int | None = field(default=None, compare=False)

    @property
    def mark(self) -> int:
        """As the network has it: 0 to 5."""
        return 2 * self.stress + self.begins


Spell = Callable[[str], list[str]]


def read_sound(written: str, *, begins: bool = False, place: int | None = None) -> MarkedSound:
    """Of a phoneme with its stress in front, as ``'a`` or ``,eI``."""
    stress = STRESSES.index(written[0]) if written[:1] in STRESSES[1:] else 0
    return MarkedSound(written[1:] if stress else written, stress, begins, place)


def sounds_of(text: str, table: Mapping[str, str], spell: Spell) -> list[MarkedSound]:
    """The sounds of a text, with a pause at its end; empty: there is nothing to say.

    table: Sounds of a word, with spaces between; spell: those of a word it lacks.
    """
    sounds: list[MarkedSound] = []
    for place, token in _tokens(text):
        if token in ENDINGS:
            # Signs one after another, or before any word, are one pause or none.
            if sounds and not sounds[-1].name.startswith(PAUSE):
                sounds.append(MarkedSound(ENDINGS[token], 0, begins=False))
            continue
        word = DIGITS[int(token)] if token.isdigit() else token.strip("'")
        if not word:
            continue
        written = table[word].split() if word in table else spell(word)
        sounds += [
            read_sound(one, begins=number == 0, place=place) for number, one in enumerate(written)
        ]
    if sounds and not sounds[-1].name.startswith(PAUSE):
        sounds.append(MarkedSound(ENDINGS["."], 0, begins=False))
    return sounds


def _tokens(text: str) -> Iterator[tuple[int, str]]:
    """Words, digits and signs of pauses, each with the place of its word in ``text.split()``."""
    for place, written in enumerate(text.split()):
        for token in _TOKEN.findall(_plain(written)):
            yield place, token


def _plain(text: str) -> str:
    """In small letters without accents, with one kind of apostrophe."""
    parts = unicodedata.normalize("NFKD", text.lower().translate(_APOSTROPHES))
    return "".join(part for part in parts if not unicodedata.combining(part))
