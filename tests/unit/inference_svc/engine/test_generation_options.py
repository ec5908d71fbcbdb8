from typing import Any

import pytest
from transformers import GenerationConfig

from inference_svc.engine.generation_options import DEFAULT_NEW_TOKENS, read_options, settle_lengths
from inference_svc.engine.translation_languages import Fixed


def config(**settings: Any) -> Any:
    make: Any = GenerationConfig
    return make(**settings)


@pytest.mark.parametrize(
    ("repo", "request_", "expected"),
    [
        ({}, {}, {"max_new_tokens": DEFAULT_NEW_TOKENS, "max_length": None}),
        ({"max_length": 20}, {}, {"max_new_tokens": None, "max_length": 20}),
        (
            {"max_length": 142, "min_length": 56},
            {"max_new_tokens": 30},
            {"max_new_tokens": 30, "max_length": None, "min_length": 30},
        ),
        (
            {"max_length": 142, "min_length": 56},
            {"max_length": 40},
            {"max_length": 40, "min_length": 40},
        ),
        (
            {"max_length": 142, "min_length": 56},
            {"min_new_tokens": 5},
            {"max_length": 142, "min_length": None, "min_new_tokens": 5},
        ),
        ({"max_new_tokens": 9}, {"max_length": 5}, {"max_new_tokens": None, "max_length": 5}),
    ],
)
def test_one_bound_is_made_of_the_repos_and_the_requests(
    repo: dict[str, Any], request_: dict[str, Any], expected: dict[str, Any]
) -> None:
    made = config(**repo)
    made.update(**request_)
    settle_lengths(made, request_, 1024)
    assert {name: getattr(made, name) for name in expected} == expected


def test_the_default_is_within_what_the_model_can_write() -> None:
    made = config()
    settle_lengths(made, {}, 64)
    assert made.max_new_tokens == 64


def test_options_are_equal_whatever_the_order_and_the_seed() -> None:
    first = read_options({"num_beams": 2, "max_length": 9}, Fixed(), 64)
    assert first == read_options({"max_length": 9, "num_beams": 2}, Fixed(), 64)
    drawn = [read_options({"do_sample": True, "seed": n}, Fixed(), 64) for n in (1, 2)]
    assert drawn[0] == drawn[1]
    assert [one.seed for one in drawn] == [1, 2]
