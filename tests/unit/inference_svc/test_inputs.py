import msgspec
import pytest

from fleetserve.errors import InvalidFieldError
from inference_svc.engine.base import EngineInfo, InputKind
from inference_svc.inputs import explain, read_inputs

TEXT = EngineInfo(InputKind.TEXT, rank=0, device="cpu", dtype="float32")
PAIR = EngineInfo(InputKind.PAIR, rank=0, device="cpu", dtype="float32")
QUESTION = EngineInfo(InputKind.QUESTION, rank=0, device="cpu", dtype="float32")
IMAGE = EngineInfo(InputKind.IMAGE, rank=0, device="cpu", dtype="float32")
VECTOR = EngineInfo(InputKind.TENSOR, rank=1, device="cpu", dtype="float32")
MATRIX = EngineInfo(InputKind.TENSOR, rank=2, device="cpu", dtype="float32")
ASKED = {"question": "a", "context": "b"}
DEEP = EngineInfo(InputKind.TENSOR, rank=4, device="cpu", dtype="float32")


@pytest.mark.parametrize(
    ("inputs", "info", "values", "batch"),
    [
        ("a", TEXT, ["a"], False),
        (["a", "b"], TEXT, ["a", "b"], True),
        ("a", PAIR, ["a"], False),
        ({"text": "a", "text_pair": "b"}, PAIR, [{"text": "a", "text_pair": "b"}], False),
        (ASKED, QUESTION, [ASKED], False),
        ([ASKED, ASKED], QUESTION, [ASKED, ASKED], True),
        ("AAEC", IMAGE, ["AAEC"], False),
        (b"\0", IMAGE, [b"\0"], False),
        (["AAEC"], IMAGE, ["AAEC"], True),
        ([1, 2], VECTOR, [[1.0, 2.0]], False),
        ([[1], [2, 3]], VECTOR, [[1.0], [2.0, 3.0]], True),
        ([[1, 2]], MATRIX, [[[1.0, 2.0]]], False),
        ([[[1]], [[2]]], MATRIX, [[[1.0]], [[2.0]]], True),
        ([[[[1]]]], DEEP, [[[[[1.0]]]]], False),
    ],
)
def test_one_input_and_a_batch_are_told_apart(
    inputs: object, info: EngineInfo, values: list[object], batch: bool
) -> None:
    found = read_inputs(inputs, info)
    assert (found.values, found.batch) == (values, batch)


@pytest.mark.parametrize(
    ("inputs", "info", "detail"),
    [
        (3, TEXT, "inputs: takes a string or a list of strings, not a number"),
        (None, TEXT, "inputs: takes a string or a list of strings, not null"),
        ({"a": 1}, TEXT, "inputs: takes a string or a list of strings, not an object"),
        (["a", 3], TEXT, "inputs[1]: takes a string, not a number"),
        (["a", None], TEXT, "inputs[1]: takes a string, not null"),
        ([], TEXT, "inputs: is an empty list; there is nothing to compute"),
        (b"a", TEXT, "inputs: takes a string or a list of strings, not a file"),
        ({"text": "a"}, PAIR, "inputs.text_pair: is missing"),
        (
            [{"text": "a", "text_pair": 2}],
            PAIR,
            "inputs[0].text_pair: takes a string, not a number",
        ),
        (
            "who?",
            QUESTION,
            "inputs: takes an object with question and context or a list of those, not a string",
        ),
        ([ASKED, {"question": "a"}], QUESTION, "inputs[1].context: is missing"),
        (
            {**ASKED, "id": "7"},
            QUESTION,
            "inputs.id: is not known; there are question and context",
        ),
        (3, IMAGE, "inputs: takes an image as base64 or data URL or a list of those, not a number"),
        ([{}], IMAGE, "inputs[0]: takes an image as base64 or data URL, not an object"),
        ("a", VECTOR, "inputs: takes a tensor of rank 1 or a list of those, not a string"),
        (True, VECTOR, "inputs: takes a tensor of rank 1 or a list of those, not a boolean"),
        ([], VECTOR, "inputs: is an empty list; there is nothing to compute"),
        ([1, "a"], VECTOR, "inputs[1]: takes a number, not a string"),
        ([1, None], VECTOR, "inputs[1]: takes a number, not null"),
        ([1, True], VECTOR, "inputs[1]: takes a number, not true or false"),
        ([1, [2]], VECTOR, "inputs[1]: takes a number, not a list"),
        ([[1], 2], VECTOR, "inputs[1]: takes a list, not an integer"),
        ([[1], [2, "x"]], VECTOR, "inputs[1][1]: takes a number, not a string"),
        ([[[1]]], VECTOR, "inputs: takes a tensor of rank 1 or a list of those, not one of rank 3"),
        ([1], MATRIX, "inputs: takes a tensor of rank 2 or a list of those, not one of rank 1"),
        ([10**400], VECTOR, "inputs[0]: number out of range"),
    ],
)
def test_what_is_of_the_wrong_type_is_named(inputs: object, info: EngineInfo, detail: str) -> None:
    with pytest.raises(InvalidFieldError) as wrong:
        read_inputs(inputs, info)
    assert wrong.value.detail == detail


@pytest.mark.parametrize(
    ("text", "field", "reason"),
    [
        (
            "Expected `int`, got `str` - at `$.priority`",
            "priority",
            "takes an integer, not a string",
        ),
        ("Expected `int` <= 10 - at `$.priority`", "priority", "takes an integer of at most 10"),
        ("Expected `float` > 0.0 - at `$.timeout`", "timeout", "takes a number above 0.0"),
        ("Object missing required field `model`", "model", "is missing"),
        ("Expected `object`, got `array`", "body", "takes an object, not a list"),
        (
            "Expected `object | null`, got `array` - at `$.parameters`",
            "parameters",
            "takes an object or null, not a list",
        ),
        ("Something new", "body", "something new"),
    ],
)
def test_errors_of_the_decoder_become_field_and_reason(text: str, field: str, reason: str) -> None:
    assert explain(msgspec.ValidationError(text), "") == (field, reason)
