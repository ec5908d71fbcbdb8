import numpy as np
import orjson
import pytest

from fleetserve.errors import InvalidFieldError
from inference_svc.open_inference.request import InferRequest
from inference_svc.open_inference.response import write_response

OUTPUTS = {
    "a": np.array([[1.5, 2.0]], dtype=np.float32),
    "b": np.array([b"x", b"yz"], dtype=object),
}


def request(outputs: dict[str, bool] | None = None, *, binary: bool = False) -> InferRequest:
    return InferRequest("7", {}, {}, outputs, binary)


def test_json_answer_has_everything_in_it() -> None:
    response = write_response(request(), "m", "3", OUTPUTS)
    assert (response.content_type, response.headers) == ("application/json", ())
    assert orjson.loads(response.body) == {
        "model_name": "m",
        "model_version": "3",
        "id": "7",
        "outputs": [
            {"name": "a", "datatype": "FP32", "shape": [1, 2], "data": [1.5, 2.0]},
            {"name": "b", "datatype": "BYTES", "shape": [2], "data": ["x", "yz"]},
        ],
    }


def test_binary_answer_has_its_tensors_behind_the_json() -> None:
    response = write_response(request(binary=True), "m", "3", OUTPUTS)
    length = response.head_length
    assert length is not None
    head = orjson.loads(response.body[:length])
    assert [o["parameters"]["binary_data_size"] for o in head["outputs"]] == [8, 11]
    assert "data" not in head["outputs"][0]
    rest = response.body[length:]
    assert np.frombuffer(rest[:8], np.float32).tolist() == [1.5, 2.0]
    assert rest[8:] == b"\x01\x00\x00\x00x\x02\x00\x00\x00yz"
    assert response.content_type == "application/octet-stream"
    assert response.headers == ((b"inference-header-content-length", b"%d" % length),)


def test_only_what_was_asked_for_comes_in_the_order_asked() -> None:
    response = write_response(request({"b": False, "a": True}), "m", "3", OUTPUTS)
    head = orjson.loads(response.body[: response.head_length])
    assert [(o["name"], "data" in o) for o in head["outputs"]] == [("b", True), ("a", False)]


def test_output_that_the_model_has_not_is_named() -> None:
    with pytest.raises(InvalidFieldError, match="'c'; this model gives a, b"):
        write_response(request({"c": False}), "m", "3", OUTPUTS)


def test_no_id_was_sent_and_none_comes_back() -> None:
    response = write_response(InferRequest("", {}, {}, None, False), "m", "3", OUTPUTS)
    assert "id" not in orjson.loads(response.body)
