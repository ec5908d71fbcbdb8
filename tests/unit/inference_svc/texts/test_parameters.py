import pytest

from fleetserve.errors import InvalidFieldError
from inference_svc.generation.base import Sampling
from inference_svc.texts.parameters import MAX_SEED, read_parameters

DEFAULTS = Sampling(temperature=0.6, top_k=50, top_p=0.9)


def test_nothing_said_is_the_models_own() -> None:
    choices = read_parameters({}, DEFAULTS)
    assert choices.sampling == DEFAULTS
    assert (choices.max_new_tokens, choices.min_new_tokens, choices.stop) == (None, 0, ())
    assert (choices.top_logprobs, choices.full_text) == (None, False)


def test_what_is_said_wins() -> None:
    choices = read_parameters(
        {"temperature": 2, "top_k": 0, "seed": MAX_SEED, "max_new_tokens": 3, "stop": "x"}, DEFAULTS
    )
    expected = Sampling(do_sample=True, temperature=2.0, top_k=0, top_p=0.9, seed=MAX_SEED)
    assert choices.sampling == expected
    assert (choices.max_new_tokens, choices.stop) == (3, ("x",))


def test_temperature_zero_is_the_likeliest() -> None:
    choices = read_parameters({"temperature": 0, "do_sample": True}, DEFAULTS)
    assert choices.sampling == DEFAULTS


def test_do_sample_is_obeyed() -> None:
    sampled = Sampling(do_sample=True)
    assert not read_parameters({"do_sample": False, "top_p": 0.5}, sampled).sampling.do_sample
    assert read_parameters({"do_sample": True}, DEFAULTS).sampling.do_sample
    assert read_parameters({}, sampled).sampling.do_sample
    assert not read_parameters({"repetition_penalty": 1.2}, DEFAULTS).sampling.do_sample


@pytest.mark.parametrize(
    ("given", "top"),
    [
        ({"logprobs": True}, 0),
        ({"top_logprobs": 3}, 3),
        ({"logprobs": True, "top_logprobs": 2}, 2),
        ({"logprobs": False, "top_logprobs": 2}, None),
        ({"logprobs": False}, None),
    ],
)
def test_logprobs(given: dict[str, object], top: int | None) -> None:
    assert read_parameters(given, DEFAULTS).top_logprobs == top


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"tempreature": 1}, "parameters.tempreature"),
        ({"temperature": -1}, "parameters.temperature"),
        ({"temperature": "hot"}, "parameters.temperature"),
        ({"top_p": 0}, "parameters.top_p"),
        ({"top_k": 1.5}, "parameters.top_k"),
        ({"max_new_tokens": 0}, "parameters.max_new_tokens"),
        ({"max_new_tokens": 2, "min_new_tokens": 3}, "parameters.min_new_tokens"),
        ({"seed": MAX_SEED + 1}, "parameters.seed"),
        ({"repetition_penalty": 0}, "parameters.repetition_penalty"),
        ({"stop": [""]}, "parameters.stop"),
        ({"stop": ["x"] * 17}, "parameters.stop"),
        ({"stop_strings": [1]}, "parameters.stop_strings[0]"),
        ({"top_logprobs": 21}, "parameters.top_logprobs"),
    ],
)
def test_what_is_wrong_is_named(given: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidFieldError) as wrong:
        read_parameters(given, DEFAULTS)
    assert wrong.value.field == field
