from dataclasses import asdict
from typing import Any

import msgspec
import pytest

from fleetserve.errors import InvalidFieldError
from inference_svc.api.completion_body import ChatBody, TextBody, orders_of
from inference_svc.generation.base import GenerationOrder, Sampling
from inference_svc.generation.memory import MemoryGenerator
from tests.unit.inference_svc.api.test_predict import request_of

CHAT = [{"role": "user", "content": "hi"}]


def text(**fields: Any) -> TextBody:
    return msgspec.convert({"model": "m", "prompt": "abc", **fields}, TextBody)


def chat(**fields: Any) -> ChatBody:
    return msgspec.convert({"model": "m", "messages": CHAT, **fields}, ChatBody)


def ordered(body: TextBody | ChatBody) -> list[GenerationOrder]:
    generator = MemoryGenerator()
    return orders_of(body, body.prompts(generator), generator.defaults, request_of(b""))


def test_models_own_sampling_counts_where_its_files_say_so() -> None:
    own = Sampling(do_sample=True, temperature=0.6, top_p=0.9)
    assert text().sampling(own) == own
    assert text(temperature=1.5, seed=3).sampling(own) == Sampling(
        do_sample=True, temperature=1.5, top_p=0.9, seed=3
    )


def test_where_they_say_nothing_openais_defaults_count() -> None:
    assert text().sampling(Sampling()) == Sampling(do_sample=True, temperature=1.0)


def test_temperature_0_takes_the_likeliest() -> None:
    assert text(temperature=0).sampling(Sampling()).do_sample is False


def test_n_orders_for_each_prompt_with_seeds_of_their_own() -> None:
    orders = ordered(text(prompt=["ab", "cd"], n=2, seed=7))
    assert [(o.prompt.text, o.sampling.seed) for o in orders] == [
        ("ab", 7), ("ab", 8), ("cd", 7), ("cd", 8),
    ]  # fmt: skip


def test_limits_have_openais_names() -> None:
    assert ordered(text())[0].max_new_tokens == 16
    assert ordered(chat())[0].max_new_tokens is None
    assert ordered(chat(max_tokens=5))[0].max_new_tokens == 5
    assert ordered(chat(max_tokens=5, max_completion_tokens=9))[0].max_new_tokens == 9


def test_stop_is_one_string_or_some() -> None:
    assert text(stop="a").stops == ("a",)
    assert text(stop=["a", "b"]).stops == ("a", "b")
    for wrong in (["a"] * 5, "", ["a", ""]):
        with pytest.raises(InvalidFieldError, match="stop"):
            _ = text(stop=wrong).stops


def test_logprobs_are_asked_for_in_two_ways() -> None:
    assert (text().likeliest, text(logprobs=3).likeliest) == (None, 3)
    assert (chat().likeliest, chat(logprobs=True).likeliest) == (None, 0)
    assert chat(logprobs=True, top_logprobs=2).likeliest == 2


def test_parts_of_a_message_are_one_text() -> None:
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    body = chat(messages=[{"role": "user", "content": parts}])
    assert body.prompts(MemoryGenerator())[0].text == "user:ab;"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (chat(messages=[]), "messages"),
        (chat(tools=[{"type": "function"}]), "tools"),
        (chat(response_format={"type": "json_object"}), "response_format"),
        (chat(top_logprobs=2), "top_logprobs"),
        (chat(stream_options={"include_usage": True}), "stream_options"),
        (text(presence_penalty=0.5), "presence_penalty"),
        (text(logit_bias={"1": 2}), "logit_bias"),
        (text(suffix="z"), "suffix"),
        (text(best_of=3), "best_of"),
        (text(echo=True, logprobs=1), "echo"),
    ],
)
def test_what_is_not_offered_is_refused_and_named(body: TextBody | ChatBody, field: str) -> None:
    with pytest.raises(InvalidFieldError) as raised:
        body.check()
    assert raised.value.field == field


def test_what_says_nothing_is_no_request_for_it() -> None:
    for body, plain in (
        (chat(tools=[], presence_penalty=0, response_format={"type": "text"}, n=1), chat()),
        (text(best_of=1, suffix="", frequency_penalty=0.0, logit_bias={}), text()),
    ):
        body.check()
        found, expected = asdict(ordered(body)[0]), asdict(ordered(plain)[0])
        assert found == {**expected, "deadline_s": found["deadline_s"]}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (text(prompt=""), "prompt"),
        (text(prompt=[]), "prompt"),
        (text(prompt=[1, 2]), "prompt"),
        (text(prompt=[[1]]), "prompt"),
        (text(prompt="a" * 100), "prompt"),
        (chat(messages=[{"role": "user", "content": [{"type": "image_url"}]}]), "messages[0]"),
    ],
)
def test_prompt_that_can_not_be_read_is_named(body: TextBody | ChatBody, field: str) -> None:
    with pytest.raises(InvalidFieldError) as raised:
        body.prompts(MemoryGenerator())
    assert raised.value.field.startswith(field)


@pytest.mark.parametrize(
    "fields", [{"temperature": 2.1}, {"top_p": 0}, {"n": 0}, {"n": 129}, {"max_tokens": 0}]
)
def test_ranges_are_openais(fields: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        text(**fields)
