"""Whether a faster model's results are still the model's results; pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np

from fleetserve.tasks import Task

_NEIGHBOURS = 10
_VECTOR_TASKS = frozenset(
    {Task.FEATURE_EXTRACTION, Task.SENTENCE_SIMILARITY, Task.IMAGE_FEATURE_EXTRACTION}
)

_OF_ENTITIES = frozenset({"entity", "entity_group"})


class Tolerance(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What results may differ by.

    Attributes:
        min_cosine: Of each vector to float32's.
        min_overlap: Of the ten nearest neighbours among the samples, on average.
        min_same: Share of the inputs whose first answer (label, text) is the same.
        max_probability_error: Of scores, and of other numbers relative to the largest.
    """

    min_cosine: float = 0.999
    min_overlap: float = 0.99
    min_same: float = 0.995
    max_probability_error: float = 0.01


@dataclass(frozen=True, slots=True)
class Verdict:
    max_error: float
    within: bool
    measures: dict[str, float] = field(default_factory=dict)


def judge(
    task: str, reference: Sequence[object], results: Sequence[object], allowed: Tolerance
) -> Verdict:
    """Results beside the reference's, input by input; an input that failed must fail in both."""
    if any(isinstance(r, Exception) for r in (*reference, *results)):
        kinds = [(type(a), type(b)) for a, b in zip(reference, results, strict=True)]
        failed = [issubclass(a, Exception) or issubclass(b, Exception) for a, b in kinds]
        if any(bad and a is not b for bad, (a, b) in zip(failed, kinds, strict=True)):
            return Verdict(float("inf"), within=False)
        reference = [r for r, bad in zip(reference, failed, strict=True) if not bad]
        results = [r for r, bad in zip(results, failed, strict=True) if not bad]
    if task in _VECTOR_TASKS:
        return _judge_vectors(reference, results, allowed)
    return _judge_answers(reference, results, allowed)


def _judge_vectors(reference: Sequence[Any], results: Sequence[Any], allowed: Tolerance) -> Verdict:
    expected = [np.atleast_2d(np.asarray(r, dtype=np.float64)) for r in reference]
    found = [np.atleast_2d(np.asarray(r, dtype=np.float64)) for r in results]
    left, right = _unit(np.concatenate(expected)), _unit(np.concatenate(found))
    cosine = float(np.sum(left * right, axis=1).min())
    error = max(float(np.abs(a - b).max()) for a, b in zip(expected, found, strict=True))
    measures = {"min_cosine": round(cosine, 6)}
    # A NaN is not at least anything.
    within = cosine >= allowed.min_cosine
    if all(len(r) == 1 for r in expected) and len(expected) > 1:
        overlap = _overlap(left, right)
        measures["top10_overlap"] = round(overlap, 5)
        within = within and overlap >= allowed.min_overlap
    return Verdict(error, within, measures)


def _unit(rows: Any) -> Any:
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.maximum(norms, np.finfo(np.float64).tiny)


def _overlap(left: Any, right: Any) -> float:
    """How many of the nearest are the same, each row's own left out."""
    count = min(_NEIGHBOURS, len(left) - 1)
    pairs = zip(_nearest(left, count), _nearest(right, count), strict=True)
    return float(np.mean([len(set(a) & set(b)) / count for a, b in pairs]))


def _nearest(rows: Any, count: int) -> list[list[int]]:
    likeness = rows @ rows.T
    np.fill_diagonal(likeness, -np.inf)
    nearest: list[list[int]] = np.argsort(-likeness, axis=1, kind="stable")[:, :count].tolist()
    return nearest


def _judge_answers(
    reference: Sequence[object], results: Sequence[object], allowed: Tolerance
) -> Verdict:
    """The first answer of each input is the same, and its numbers are near."""
    pairs = [(_ranked(a), _ranked(b)) for a, b in zip(reference, results, strict=True)]
    same = [_words(a) == _words(b) for a, b in pairs]
    errors = [_error(a, b) for (a, b), alike in zip(pairs, same, strict=True) if alike]
    share = sum(same) / len(same) if same else 1.0
    error = max(errors, default=0.0)
    within = share >= allowed.min_same and error <= allowed.max_probability_error
    return Verdict(error, within, {"same_answer": round(share, 5)})


def _ranked(result: object) -> object:
    """Labels and scores that stand in two lists (zero-shot) as one list of scored labels."""
    if isinstance(result, Mapping) and {"labels", "scores"} <= result.keys():
        pairs = zip(result["labels"], result["scores"], strict=True)
        return [{"label": label, "score": score} for label, score in pairs]
    return result


def _words(result: object) -> object:
    """All that is not a number, of the best answer where there is a list of scored ones."""
    if isinstance(result, Mapping):
        return {key: _words(value) for key, value in result.items()}
    if isinstance(result, list):
        if _is_ranking(result):
            return _words(result[0])
        return [_words(value) for value in result]
    return None if isinstance(result, int | float | np.ndarray | np.generic) else result


def _is_ranking(result: list[Any]) -> bool:
    """Answers to choose from; the entities of a text are all meant, in their order."""
    return bool(result) and all(
        isinstance(r, Mapping) and "score" in r and not r.keys() & _OF_ENTITIES for r in result
    )


def _error(expected: object, found: object) -> float:
    """Largest difference of two numbers at the same place, those over 1 relative to it."""
    if isinstance(expected, Mapping) and isinstance(found, Mapping):
        return max((_error(value, found.get(key)) for key, value in expected.items()), default=0.0)
    if isinstance(expected, list) and isinstance(found, list):
        if _is_ranking(expected):
            return _ranking_error(expected, found)
        if len(expected) != len(found):
            return float("inf")
        pairs = zip(expected, found, strict=True)
        return max((_error(a, b) for a, b in pairs), default=0.0)
    if isinstance(expected, np.ndarray | int | float | np.generic):
        left, right = np.asarray(expected, np.float64), np.asarray(found, np.float64)
        if left.shape != right.shape:
            return float("inf")
        scale = max(1.0, float(np.abs(left).max(initial=0.0)))
        return float(np.abs(left - right).max(initial=0.0)) / scale
    return 0.0


def _ranking_error(expected: list[Any], found: list[Any]) -> float:
    """Scores by what they are of, since near ones may change places."""
    scores = {_label(entry): entry["score"] for entry in found}
    pairs = [(e["score"], scores[_label(e)]) for e in expected if _label(e) in scores]
    return max((abs(a - b) for a, b in pairs), default=0.0)


def _label(entry: Mapping[str, Any]) -> str:
    return repr([value for value in entry.values() if isinstance(value, str)])
