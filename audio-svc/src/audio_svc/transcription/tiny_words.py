"""From letters to words: what was heard is weighed against the words that sound like it.

An ear that writes by sound writes "hows" for "house". Each word it writes is compared with the
known words of nearly the same letters: by how likely the sound is under each, and how common each
is. What is written stays where no known word fits: the vocabulary is open.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float32]
MOST_EDITS = 2
LONGEST_WORD = 24
NEVER = -1e9


@dataclass(frozen=True, slots=True)
class SpokenWord:
    """A word with the steps in which its letters were heard.

    Attributes:
        logprob: Natural logarithm of its likelihood, all letters together.
    """

    text: str
    first: int
    last: int
    logprob: float


class WordBook:
    """Words by how common they are.

    Args:
        words: Common ones first.
        letters: The alphabet of the scores; the first is CTC's blank.
        prior_weight: Of a word's rank against its sound.
        unknown_cost: What a word that is not here has to be better by.
    """

    def __init__(
        self,
        words: Sequence[str],
        letters: str,
        prior_weight: float = 0.6,
        unknown_cost: float = 9.0,
    ) -> None:
        self._words = list(words)
        self._letters = letters
        self._priors = -prior_weight * np.log(np.arange(len(words)) + 20.0)
        self._unknown = -unknown_cost
        self._ranks = {word: rank for rank, word in enumerate(words)}
        self._lengths = np.array([len(word) for word in words])
        self._codes = np.full((len(words), LONGEST_WORD), -1, np.int8)
        for row, word in zip(self._codes, words, strict=True):
            row[: len(word)] = [letters.index(letter) for letter in word[:LONGEST_WORD]]

    def choose(self, heard: str, scores: Scores) -> tuple[str, float]:
        """The likeliest word for the steps [steps, letters] of log-probabilities, and its sound's.

        heard: As it was written.
        """
        near = self._near(heard)
        candidates = [heard] if heard not in self._ranks else []
        priors = [self._unknown] * len(candidates) + [float(self._priors[i]) for i in near]
        candidates += [self._words[place] for place in near]
        sounds = [logprob_of(self._encode(word), scores) for word in candidates]
        best = int(np.argmax(np.array(sounds) + np.array(priors)))
        return candidates[best], sounds[best]

    def _near(self, heard: str) -> list[int]:
        """Places of the known words that are at most MOST_EDITS letters away."""
        if len(heard) > LONGEST_WORD:
            return []
        allowed = min(MOST_EDITS, max(1, len(heard) // 2))
        places = np.flatnonzero(np.abs(self._lengths - len(heard)) <= allowed)
        return [int(i) for i in places[self._distances(heard, places) <= allowed]]

    def _distances(self, heard: str, places: NDArray[np.intp]) -> NDArray[np.int16]:
        """Levenshtein's, to many words at once."""
        codes = self._codes[places]
        width = codes.shape[1]
        row = np.broadcast_to(np.arange(width + 1, dtype=np.int16), (len(places), width + 1)).copy()
        for letter in self._encode(heard):
            above = row.copy()
            row[:, 0] = above[:, 0] + 1
            replaced = above[:, :-1] + (codes != letter)
            for place in range(width):
                cheapest = np.minimum(above[:, place + 1], row[:, place]) + 1
                row[:, place + 1] = np.minimum(replaced[:, place], cheapest)
        found: NDArray[np.int16] = row[np.arange(len(places)), self._lengths[places]]
        return found

    def _encode(self, word: str) -> list[int]:
        return [self._letters.index(letter) for letter in word]


def spell_out(scores: Scores, letters: str) -> list[SpokenWord]:
    """The words of the likeliest letter of each step; a space parts them, 0 is the blank."""
    best = scores.argmax(1)
    words: list[SpokenWord] = []
    text, first, last, logprob, before = "", 0, 0, 0.0, 0
    for step, place in enumerate([*best.tolist(), letters.index(" ")]):
        if place not in (0, before):
            letter = letters[place]
            if letter != " ":
                first = first if text else step
                text, last = text + letter, step
                logprob += float(scores[step, place])
            elif text:
                words.append(SpokenWord(text, first, last, logprob))
                text, logprob = "", 0.0
        before = place
    if text:
        words.append(SpokenWord(text, first, last, logprob))
    return words


def logprob_of(codes: Sequence[int], scores: Scores) -> float:
    """That these letters and no others are in the steps: CTC's forward sum."""
    labels = [0]
    for code in codes:
        labels += [code, 0]
    own = scores[:, labels].astype(np.float64)
    # From two back, except over a blank between equal letters, or onto a blank.
    may_skip = np.array([i > 1 and c != 0 and c != labels[i - 2] for i, c in enumerate(labels)])
    reached = np.full(len(labels), NEVER)
    reached[:2] = own[0, :2]
    for row in own[1:]:
        one = np.concatenate(([NEVER], reached[:-1]))
        two = np.where(
            may_skip, np.concatenate(([NEVER, NEVER], reached[:-2]))[: len(labels)], NEVER
        )
        reached = np.logaddexp(np.logaddexp(reached, one), two) + row
    return float(np.logaddexp(reached[-1], reached[-2]))
