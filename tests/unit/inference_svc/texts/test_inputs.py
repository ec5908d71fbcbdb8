import pytest

from fleetserve.errors import InvalidFieldError
from inference_svc.texts.inputs import read_text_inputs

CHAT = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hello"}]


@pytest.mark.parametrize(
    ("inputs", "values", "batch"),
    [
        ("a", ["a"], False),
        (["a", "b"], ["a", "b"], True),
        (CHAT, [CHAT], False),
        ([CHAT, "a", CHAT], [CHAT, "a", CHAT], True),
    ],
)
def test_texts_and_chats(inputs: object, values: list[object], batch: bool) -> None:
    found = read_text_inputs(inputs)
    assert (found.values, found.batch) == (values, batch)


@pytest.mark.parametrize(
    ("inputs", "field"),
    [
        (5, "inputs"),
        (None, "inputs"),
        ({"role": "user"}, "inputs"),
        ([], "inputs"),
        (["a", 5], "inputs[1]"),
        (["a", []], "inputs[1]"),
        ([{"role": "user"}], "inputs[0].content"),
        ([{"content": "a"}], "inputs[0].role"),
        ([*CHAT, "a"], "inputs[2]"),
        (["a", [{"role": 5, "content": "a"}]], "inputs[1][0].role"),
    ],
)
def test_what_is_wrong_is_named(inputs: object, field: str) -> None:
    with pytest.raises(InvalidFieldError) as wrong:
        read_text_inputs(inputs)
    assert wrong.value.field == field
