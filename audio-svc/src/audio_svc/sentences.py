"""Splits long text into utterances at the ends of sentences."""

import re
from dataclasses import dataclass

from audio_svc.manner import PLAIN, Manner

# Texts up to this length are spoken in one breath, as the library itself would.
BREATH_CHARS = 200
# So few that each sentence is a breath of its own: for speech that is sent while it is made.
SENTENCE_CHARS = 1

SENTENCE_PAUSE_S = 0.25
CLAUSE_PAUSE_S = 0.1

_ABBREVIATIONS = frozenset(
    {"mr", "mrs", "ms", "dr", "prof", "st", "sr", "jr", "vs", "e.g", "i.e", "fig", "vol", "approx"}
)
_SENTENCE_END = re.compile(r"(?<=[.!?…。！？])[\"'”’)\]]*\s+")
_CLAUSE_END = re.compile(r"(?<=[,;:—–])\s+")


@dataclass(frozen=True, slots=True)
class Breath:
    """What is spoken in one go, and the silence after it.

    Attributes:
        lead_s: Silence before it.
    """

    text: str
    pause_s: float
    manner: Manner = PLAIN
    lead_s: float = 0.0


def split_text(text: str, max_chars: int, breath_chars: int = BREATH_CHARS) -> list[Breath]:
    """Breaths of at most ``max_chars``, whole sentences where they fit; the last has no pause.

    Sentences are put together up to ``breath_chars``. Line ends and repeated spaces count as one
    space. Nothing is lost but that.
    """
    words = " ".join(text.split())
    breath_chars = min(breath_chars, max_chars)
    if len(words) <= breath_chars:
        return [Breath(words, 0.0)] if words else []
    breaths: list[Breath] = []
    for sentences in _pack(_sentences(words), breath_chars):
        parts = _fit(sentences, max_chars)
        breaths += [Breath(part, CLAUSE_PAUSE_S) for part in parts[:-1]]
        breaths.append(Breath(parts[-1], SENTENCE_PAUSE_S))
    breaths[-1] = Breath(breaths[-1].text, 0.0)
    return breaths


def _sentences(text: str) -> list[str]:
    """The sentences; a full stop after an abbreviation or an initial ends none."""
    sentences, start = [], 0
    for end in _SENTENCE_END.finditer(text):
        last_word = text[start : end.start()].rstrip("\"'”’)]").rpartition(" ")[2]
        stem = last_word.rstrip(".").lower()
        if last_word.endswith(".") and (stem in _ABBREVIATIONS or _is_initial(last_word)):
            continue
        sentences.append(text[start : end.end()].strip())
        start = end.end()
    if start < len(text):
        sentences.append(text[start:].strip())
    return sentences


def _is_initial(word: str) -> bool:
    return len(word) == 2 and word[0].isupper() and word != "I."


def _pack(parts: list[str], max_chars: int) -> list[str]:
    """Neighbours joined as long as they fit; a part that is too long stays alone."""
    packed: list[str] = []
    for part in parts:
        if packed and len(packed[-1]) + 1 + len(part) <= max_chars:
            packed[-1] += " " + part
        else:
            packed.append(part)
    return packed


def _fit(text: str, max_chars: int) -> list[str]:
    """One sentence cut at clauses, else at words, else anywhere, into parts that fit."""
    if len(text) <= max_chars:
        return [text]
    clauses = _CLAUSE_END.split(text)
    parts = [piece for clause in clauses for piece in _fit_words(clause, max_chars)]
    return _pack(parts, max_chars)


def _fit_words(clause: str, max_chars: int) -> list[str]:
    words = [
        word[start : start + max_chars]
        for word in clause.split(" ")
        for start in range(0, len(word), max_chars)
    ]
    return _pack(words, max_chars)
