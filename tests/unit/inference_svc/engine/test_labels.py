from types import SimpleNamespace

import numpy as np
import pytest

from inference_svc.engine.labels import apply, best_labels, default_function, softmax

NAMES = {0: "a", 1: "b", 2: "c"}


@pytest.mark.parametrize(
    ("problem", "labels", "regression", "function"),
    [
        (None, 3, True, "softmax"),
        (None, 1, True, "sigmoid"),
        ("regression", 1, True, "none"),
        ("regression", 1, False, "sigmoid"),
        ("multi_label_classification", 3, True, "sigmoid"),
        ("single_label_classification", 3, True, "softmax"),
    ],
)
def test_the_function_follows_from_the_config(
    problem: str | None, labels: int, regression: bool, function: str
) -> None:
    config = SimpleNamespace(problem_type=problem, num_labels=labels)
    assert default_function(config, regression=regression) == function


def test_functions_are_what_their_names_say() -> None:
    logits = np.array([0.0, 1.0, -2.0], dtype=np.float32)
    np.testing.assert_allclose(apply("sigmoid", logits), [0.5, 0.7310586, 0.1192029], atol=1e-6)
    np.testing.assert_allclose(apply("softmax", logits).sum(), 1.0, atol=1e-6)
    assert apply("none", logits) is logits


def test_softmax_does_not_overflow() -> None:
    np.testing.assert_allclose(softmax(np.array([1e4, 1e4 - 1], dtype=np.float32)).sum(), 1.0)


def test_the_best_come_first_and_equal_ones_in_their_order() -> None:
    scores = np.array([0.25, 0.5, 0.25], dtype=np.float32)
    assert [one["label"] for one in best_labels(scores, NAMES, None)] == ["b", "a", "c"]
    assert best_labels(scores, NAMES, 1) == [{"label": "b", "score": 0.5}]
