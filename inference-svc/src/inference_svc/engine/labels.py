"""Logits of a classifier to labels with scores, as transformers' pipelines have them; pure."""

from typing import Any

import numpy as np
import numpy.typing as npt

from inference_svc.engine.base import TensorSpec

Floats = npt.NDArray[np.float32]
# What best_labels() gives, for protocols that name their tensors.
LABELS = (TensorSpec("label", "bytes", (-1,)), TensorSpec("score", "float32", (-1,)))
FUNCTIONS = ("softmax", "sigmoid", "none")


def default_function(config: Any, *, regression: bool = True) -> str:
    """What a config says of its head.

    Args:
        config: transformers' own.
        regression: Whether the task knows of regression; for images it doesn't.
    """
    kind = config.problem_type
    if kind == "regression" and regression:
        return "none"
    if kind == "multi_label_classification" or config.num_labels == 1:
        return "sigmoid"
    return "softmax"


def apply(function: str, logits: Floats) -> Floats:
    """Scores along the last axis."""
    if function == "sigmoid":
        return (1.0 / (1.0 + np.exp(-logits))).astype(np.float32)
    if function == "softmax":
        return softmax(logits)
    return logits


def softmax(logits: Floats) -> Floats:
    shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
    scores: Floats = shifted / shifted.sum(axis=-1, keepdims=True)
    return scores


def best_labels(scores: Floats, names: Any, count: int | None) -> list[dict[str, object]]:
    """``[{label, score}]``, the best first; ``count`` None: all of them."""
    order = np.argsort(-scores, kind="stable")[:count]
    return [{"label": names[int(n)], "score": float(scores[n])} for n in order]
