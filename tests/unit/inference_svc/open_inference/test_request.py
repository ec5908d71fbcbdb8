from typing import Any

import numpy as np
import orjson
import pytest

from fleetserve.errors import BadRequestError, InvalidFieldError
from inference_svc.open_inference.request import InferRequest, read_request


def tensor(name: str = "x", **changes: Any) -> dict[str, Any]:
    return {"name": name, "datatype": "FP32", "shape": [2], "data": [1, 2], **changes}


def read(content: object, binary: bytes = b"") -> InferRequest:
    head = orjson.dumps(content)
    return read_request(head + binary, b"%d" % len(head) if binary else None)


def test_json_alone() -> None:
    found = read({"id": "7", "inputs": [tensor()]})
    assert (found.id, found.outputs, found.binary) == ("7", None, False)
    assert found.inputs["x"].tolist() == [1.0, 2.0]


def test_binary_tensors_come_in_the_order_of_the_inputs_that_say_so() -> None:
    a, b = np.array([1, 2], np.float32), np.array([3], np.int64)
    inputs = [
        tensor("a", data=None, parameters={"binary_data_size": 8}),
        tensor("json"),
        tensor("b", datatype="INT64", shape=[1], data=None, parameters={"binary_data_size": 8}),
    ]
    found = read({"inputs": inputs}, a.tobytes() + b.tobytes()).inputs
    assert [found[n].tolist() for n in ("a", "json", "b")] == [[1.0, 2.0], [1.0, 2.0], [3]]


def test_tensors_are_views_of_the_body() -> None:
    head = orjson.dumps({"inputs": [tensor(data=None, parameters={"binary_data_size": 8})]})
    raw = head + bytes(8)
    found = read_request(raw, b"%d" % len(head)).inputs["x"]
    assert np.shares_memory(found, np.frombuffer(raw, np.uint8))


def test_outputs_are_in_json_unless_binary_is_asked_for() -> None:
    wanted = [{"name": "a"}, {"name": "b", "parameters": {"binary_data": True}}]
    assert read({"inputs": [], "outputs": wanted}).outputs == {"a": False, "b": True}
    more = {"parameters": {"binary_data_output": True}, "inputs": []}
    assert read({**more, "outputs": wanted}).outputs == {"a": True, "b": True}
    assert read(more).binary is True


def test_what_is_for_the_server_does_not_reach_the_model() -> None:
    given = {"timeout": 5, "priority": 1, "binary_data_output": False, "sequence_id": 0, "top_k": 3}
    assert read({"inputs": [], "parameters": given}).parameters == {"top_k": 3}


def test_classes_are_those_of_the_outputs_that_ask() -> None:
    wanted = [{"name": "a"}, {"name": "b", "parameters": {"classification": 3}}]
    assert read({"inputs": [], "outputs": wanted}).classes == {"b": 3}


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ({}, "inputs"),
        ({"inputs": [tensor(shape=[-1])]}, "inputs[0].shape[0]"),
        ({"inputs": [tensor(shape=[1] * 40)]}, "inputs[0].shape"),
        ({"inputs": [tensor(), tensor()]}, "inputs[1].name"),
        ({"inputs": [{"name": "x", "datatype": "FP32", "shape": [1]}]}, "inputs[0].data"),
        (
            {"inputs": [tensor(parameters={"binary_data_size": 8})]},
            "inputs[0].parameters.binary_data_size",
        ),
        (
            {"inputs": [tensor(parameters={"binary_data_size": -8})]},
            "inputs[0].parameters.binary_data_size",
        ),
        (
            {"inputs": [tensor(parameters={"shared_memory_region": "r"})]},
            "inputs[0].parameters",
        ),
        ({"inputs": [], "parameters": {"sequence_id": 7}}, "parameters.sequence_id"),
        (
            {"inputs": [], "parameters": {"binary_data_output": 1}},
            "parameters.binary_data_output",
        ),
        (
            {"inputs": [], "outputs": [{"name": "y", "parameters": {"classification": "3"}}]},
            "outputs[0].parameters.classification",
        ),
    ],
)
def test_wrong_field_is_named(content: object, field: str) -> None:
    with pytest.raises(InvalidFieldError) as raised:
        read(content)
    assert raised.value.field == field


def test_bytes_that_belong_to_nothing_are_refused() -> None:
    with pytest.raises(BadRequestError, match="belong to no input"):
        read({"inputs": [tensor()]}, b"12")


@pytest.mark.parametrize("length", [b"3", b"x", b"-1"])
def test_head_length_that_can_not_be_is_refused(length: bytes) -> None:
    with pytest.raises(BadRequestError, match="Content-Length"):
        read_request(b"{}", length)


def test_what_is_not_json_is_refused() -> None:
    with pytest.raises(BadRequestError, match="not JSON"):
        read_request(b"\xff\xfe", None)
