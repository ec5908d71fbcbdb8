import orjson
import pytest

from fleetserve.errors import FleetError, InvalidFieldError
from gateway.bodies import Body
from gateway.two_stage_body import MAX_BODY_BYTES, StagedOrder, read_order

MAX_CHARS = 20


def read(fields: object, target: str = "/synthesize") -> StagedOrder:
    raw = fields if isinstance(fields, bytes) else orjson.dumps(fields)
    return read_order(target, Body(raw, None, len(raw)), MAX_CHARS)


@pytest.mark.parametrize(
    ("target", "name", "told"),
    [
        ("/synthesize?model_name=bart", "inputs", "inputs"),
        ("/synthesize", "text", "inputs"),
        ("/v1/audio/speech", "input", "input"),
    ],
)
def test_each_stage_gets_its_own(target: str, name: str, told: str) -> None:
    order = read(
        {
            "model": "bart",
            name: "Long.",
            "parameters": {"num_beams": 2},
            "speech_model": "tiny_tts",
            "token": "secret",
            "voice": "coral",
            "speed": 1.5,
        },
        target,
    )
    assert order == StagedOrder(
        "Long.", told, {"num_beams": 2}, "tiny_tts", {"voice": "coral", "speed": 1.5}
    )


def test_what_is_left_out_is_empty() -> None:
    assert read({"inputs": "a", "parameters": None}) == StagedOrder("a", "inputs", {}, "", {})


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({}, "inputs"),
        ({"inputs": ""}, "inputs"),
        ({"inputs": ["a"]}, "inputs"),
        ({"inputs": "a", "text": "b"}, "inputs"),
        ({"inputs": "a", "parameters": []}, "parameters"),
        ({"inputs": "a", "speech_model": 3}, "speech_model"),
        ({"inputs": "<speak>a</speak>"}, "inputs"),
        ({"inputs": "a", "input_type": "ssml"}, "inputs"),
    ],
)
def test_wrong_field_is_named(fields: dict[str, object], wrong: str) -> None:
    with pytest.raises(InvalidFieldError) as caught:
        read(fields)
    assert caught.value.field == wrong


def test_text_that_only_looks_like_markup_is_text_where_that_is_said() -> None:
    assert read({"inputs": "<speak", "input_type": "text"}).text == "<speak"


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (orjson.dumps({"inputs": "a" * (MAX_CHARS + 1)}), 413),
        (b" " * (MAX_BODY_BYTES + 1), 413),
        (b"--form", 415),
    ],
)
def test_body_that_cannot_be_taken_has_its_status(raw: bytes, status: int) -> None:
    with pytest.raises(FleetError) as caught:
        read(raw)
    assert caught.value.status == status
