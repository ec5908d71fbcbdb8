"""English as VALL-E X reads it: the signs of its published tokenizer, of IPA with stress marks.

The published front end says words by CMU's dictionary. Here ``tiny_tts``'s pronunciations are
written in its signs, with r and the vowels of American English as CMU has them.
"""

import functools
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from audio_svc.speech.tiny_text import MarkedSound

_FILE = Path(__file__).with_name("vallex_signs.json")
_VOWELS = "aɑæeɛəiɪoɔuʊ"
_MARKS = ("", "ˌ", "ˈ")
_DARK_L = re.compile(rf"l(?=[^{_VOWELS}_]*(?:_|$))")
SPACE = "_"


@dataclass(frozen=True, slots=True)
class Signs:
    """The model's alphabet.

    Attributes:
        numbers: Of each sign.
        sounds: In signs, by the name that ``tiny_tts`` gives them.
        onsets: Consonants that a syllable can begin with.
    """

    numbers: Mapping[str, int]
    sounds: Mapping[str, str]
    onsets: frozenset[str]


@functools.cache
def read_signs() -> Signs:
    told = json.loads(_FILE.read_text(encoding="utf-8"))
    numbers = {sign: place for place, sign in enumerate(told["signs"], start=told["first"])}
    return Signs(numbers, told["sounds"], frozenset(told["onsets"]))


def signs_of(sounds: Sequence[MarkedSound]) -> list[int]:
    """The numbers of a text's signs."""
    numbers = read_signs().numbers
    return [numbers[sign] for sign in write_ipa(sounds)]


def write_ipa(sounds: Sequence[MarkedSound]) -> str:
    """Words with ``_`` between and their pauses behind them: ``ðə_ˈlɛtəɹ,_pliz.`` is one."""
    words: list[list[MarkedSound]] = []
    for sound in sounds:
        if sound.begins or not words:
            words.append([])
        words[-1].append(sound)
    return _DARK_L.sub("ɫ", SPACE.join(map(_write_word, words)))


def _write_word(sounds: Sequence[MarkedSound]) -> str:
    known = read_signs()
    parts = [known.sounds[sound.name] for sound in sounds]
    vowels = [part[:1] in _VOWELS if part else False for part in parts]
    if sum(vowels) > 1:
        strongest = max(sound.stress for sound in sounds)
        for place, sound in enumerate(sounds):
            if sound.stress and vowels[place]:
                # The dictionary's words have a first stress, however weakly they are said.
                mark = _MARKS[2 if sound.stress == strongest else 1]
                parts[_onset(parts, vowels, place)] = mark + parts[_onset(parts, vowels, place)]
    written = "".join(parts)
    return written.replace("ɹɹ", "ɹ").replace("iəɹ", "ɪɹ")


def _onset(parts: Sequence[str], vowels: Sequence[bool], vowel: int) -> int:
    """Where the syllable of a vowel begins: with as many consonants as one can begin with."""
    begin = vowel
    while begin and not vowels[begin - 1]:
        if "".join(parts[begin - 1 : vowel]) not in read_signs().onsets:
            break
        begin -= 1
    return begin
