"""From letters to words: a search over what may have been said, which prefers known words.

An ear that writes by sound writes "hows" for "house" and hears no gap in "redbook". So texts
compete: each by how likely its letters are under the sound, all ways of writing them together, and
by how common its words are. An unknown word costs more, and stays possible: the vocabulary is open.

Source: Hannun et al. 2014, First-pass large vocabulary continuous speech recognition using
bi-directional recurrent DNNs, for the search over prefixes.
"""

from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass
from math import exp, log, log1p

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float32]
NEVER = -1e9
SPACE = " "
BEAMS = 40
LEAST_LOGPROB = -7.0  # Less likely letters are not tried.
STEPS_AT_ONCE = 40


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


@dataclass(slots=True)
class _Beam:
    """A text so far.

    Attributes:
        blank, letter: Logarithms of all ways to write it that end so.
        prior: Of its words, without the last where it is not complete.
    """

    prior: float
    blank: float = NEVER
    letter: float = NEVER

    @property
    def sound(self) -> float:
        return _added(self.blank, self.letter)

    @property
    def score(self) -> float:
        return self.sound + self.prior


class WordBook:
    """Words by how common they are.

    Args:
        words: Common ones first.
        letters: The alphabet of the scores; the first is CTC's blank.
        prior_weight: Of a word's rank against its sound.
        unknown_cost: What a word that is not here has to be likelier by than the commonest.
    """

    def __init__(
        self,
        words: Iterable[str],
        letters: str,
        prior_weight: float = 0.6,
        unknown_cost: float = 9.0,
    ) -> None:
        self._letters = letters
        self._space = letters.index(SPACE)
        self._unknown = -unknown_cost
        self._priors = {w: -prior_weight * log(1 + rank / 20) for rank, w in enumerate(words)}
        self._beginnings = {w[:end] for w in self._priors for end in range(len(w) + 1)}

    def read(self, scores: Scores) -> Generator[None, None, str]:
        """The likeliest text of log-probabilities [steps, letters]; rests now and then."""
        beams = {"": _Beam(0.0, blank=0.0)}
        for step, row in enumerate(scores):
            beams = self._extended(beams, row.tolist())
            if step % STEPS_AT_ONCE == STEPS_AT_ONCE - 1:
                yield
        ended = {
            text: beam.sound + self._prior_of(text, beam.prior) for text, beam in beams.items()
        }
        return max(ended, key=ended.__getitem__).strip()

    def _extended(self, beams: dict[str, _Beam], row: Sequence[float]) -> dict[str, _Beam]:
        """The best texts after one more step."""
        found: dict[str, _Beam] = {}
        likely = [place for place, one in enumerate(row) if place and one > LEAST_LOGPROB]
        for text, beam in beams.items():
            same = found.setdefault(text, _Beam(beam.prior))
            same.blank = _added(same.blank, beam.sound + row[0])
            last = text[-1:]
            for place in likely:
                letter = self._letters[place]
                if letter == last:
                    # The same sign goes on; only after a blank is it another one.
                    same.letter = _added(same.letter, beam.letter + row[place])
                    heard = beam.blank
                else:
                    heard = beam.sound
                if heard > NEVER:
                    self._add(found, text, beam.prior, letter, heard + row[place])
        best = sorted(found.items(), key=lambda item: item[1].score, reverse=True)
        return dict(best[:BEAMS])

    def _add(
        self, found: dict[str, _Beam], text: str, prior: float, letter: str, sound: float
    ) -> None:
        if letter == SPACE and (not text or text.endswith(SPACE)):
            return
        longer = text + letter
        beam = found.get(longer)
        if beam is None:
            if letter == SPACE:
                prior = self._prior_of(text, prior)
            beam = found[longer] = _Beam(prior + self._leaving(text, longer))
        beam.letter = _added(beam.letter, sound)

    def _leaving(self, text: str, longer: str) -> float:
        """The cost of an unknown word, at the letter that makes it one."""
        before, now = _last_word(text), _last_word(longer)
        left = before in self._beginnings and now not in self._beginnings
        return self._unknown if left else 0.0

    def _prior_of(self, text: str, prior: float) -> float:
        """With the last word as complete."""
        word = _last_word(text)
        if not word:
            return prior
        known = self._priors.get(word)
        if known is not None:
            return prior + known
        # What is no beginning of a known word has paid already.
        return prior + (self._unknown if word in self._beginnings else 0.0)


def place_words(text: str, scores: Scores, letters: str) -> list[SpokenWord]:
    """When each word of a text was said: the likeliest way of writing it."""
    steps = align([letters.index(letter) for letter in text], scores)
    words: list[SpokenWord] = []
    start = 0
    for word in text.split():
        places = range(start, start + len(word))
        at = [steps[place] for place in places]
        sound = sum(float(scores[steps[i], letters.index(text[i])]) for i in places)
        words.append(SpokenWord(word, at[0], at[-1], sound))
        start += len(word) + 1
    return words


def align(codes: Sequence[int], scores: Scores) -> list[int]:
    """The step in which each letter begins, in the likeliest way to write all of them."""
    labels = [0]
    for code in codes:
        labels += [code, 0]
    own = scores[:, labels].astype(np.float64)
    may_skip = [i > 1 and c != 0 and c != labels[i - 2] for i, c in enumerate(labels)]
    skip_cost = np.where(may_skip, 0.0, NEVER)
    reached = np.full(len(labels), NEVER)
    reached[:2] = own[0, :2]
    came_from = np.zeros(own.shape, np.int8)
    for step, row in enumerate(own[1:], 1):
        padded = np.concatenate(([NEVER, NEVER], reached))
        ways = np.stack([reached, padded[1:-1], padded[:-2] + skip_cost])
        came_from[step] = ways.argmax(0)
        reached = ways.max(0) + row
    place = len(labels) - 1 - int(len(labels) > 1 and reached[-2] > reached[-1])
    begins = [0] * len(codes)
    for step in range(len(own) - 1, -1, -1):
        if place % 2:
            begins[place // 2] = step
        place -= int(came_from[step, place])
    return begins


def spell_out(scores: Scores, letters: str) -> str:
    """The likeliest letter of each step, and nothing else: what the ear writes by itself."""
    text, before = "", 0
    for place in scores.argmax(1).tolist():
        if place not in (0, before):
            text += letters[place]
        before = place
    return " ".join(text.split())


def _last_word(text: str) -> str:
    return text[text.rfind(SPACE) + 1 :]


def _added(one: float, other: float) -> float:
    """The logarithm of the sum."""
    if one < other:
        one, other = other, one
    return one if other <= NEVER else one + log1p(exp(other - one))
