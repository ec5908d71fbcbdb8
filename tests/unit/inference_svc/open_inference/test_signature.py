from typing import Any

import numpy as np
import pytest

from fleetserve.errors import InternalError, InvalidFieldError
from inference_svc.engine.base import EngineInfo, InputKind, TensorSpec
from inference_svc.engine.labels import LABELS
from inference_svc.open_inference.signature import (
    describe,
    inputs_of,
    outputs_of,
    read_inputs,
    write_outputs,
)


def info(kind: InputKind, rank: int = 0, **more: Any) -> EngineInfo:
    return EngineInfo(kind, rank, "cpu", "float32", **more)


def strings(*values: bytes) -> np.ndarray[Any, Any]:
    found = np.empty(len(values), dtype=object)
    found[:] = values
    return found


VECTORS = info(
    InputKind.TENSOR,
    1,
    inputs=(TensorSpec("x", "float32", (3,)),),
    outputs=(TensorSpec("y", "float32"),),
)


def test_first_dimension_is_the_batch() -> None:
    assert describe(VECTORS.inputs[0]) == {"name": "x", "datatype": "FP32", "shape": [-1, 3]}
    assert describe(VECTORS.outputs[0]) == {"name": "y", "datatype": "FP32", "shape": [-1]}


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        (InputKind.TEXT, ["text"]),
        (InputKind.PAIR, ["text"]),
        (InputKind.QUESTION, ["question", "context"]),
        (InputKind.IMAGE, ["image"]),
        (InputKind.TENSOR, ["input"]),
    ],
)
def test_every_kind_of_input_has_names(kind: InputKind, names: list[str]) -> None:
    assert [spec.name for spec in inputs_of(info(kind, 2))] == names
    assert outputs_of(info(kind, 2))[0].name == "output"


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int64", "uint8"])
def test_numbers_become_the_models_type(dtype: str) -> None:
    found = read_inputs({"x": np.ones((1, 3), dtype)}, VECTORS)
    assert found.dtype == np.float32


def test_tensor_of_the_models_type_is_not_copied() -> None:
    tensor = np.ones((1, 3), np.float32)
    assert read_inputs({"x": tensor}, VECTORS) is tensor


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"z": np.ones((1, 3), np.float32)},
        {"x": np.ones((1, 3), np.float32), "z": np.ones(1)},
        {"x": np.ones((1, 3), np.bool_)},
        {"x": strings(b"a")},
    ],
)
def test_other_tensors_than_the_models_are_refused(given: Any) -> None:
    with pytest.raises(InvalidFieldError) as raised:
        read_inputs(given, VECTORS)
    assert raised.value.field == "inputs"


def test_integers_do_not_take_fractions() -> None:
    ids = info(InputKind.TENSOR, 1, inputs=(TensorSpec("x", "int64"),))
    with pytest.raises(InvalidFieldError, match="FP32; this model takes INT64"):
        read_inputs({"x": np.ones((1, 3), np.float32)}, ids)


def test_texts_and_pairs_and_questions() -> None:
    assert read_inputs({"text": strings(b"a", "é".encode())}, info(InputKind.TEXT)) == ["a", "é"]
    pair = {"text": strings(b"a"), "text_pair": strings(b"b")}
    assert read_inputs(pair, info(InputKind.PAIR)) == [{"text": "a", "text_pair": "b"}]
    asked = {"question": strings(b"q", b"r"), "context": strings(b"c", b"d")}
    assert read_inputs(asked, info(InputKind.QUESTION)) == [
        {"question": "q", "context": "c"},
        {"question": "r", "context": "d"},
    ]
    with pytest.raises(InvalidFieldError, match="not as many"):
        read_inputs({**asked, "context": strings(b"c")}, info(InputKind.QUESTION))


def test_text_that_is_none_is_refused() -> None:
    for wrong in (strings(b"\xff"), np.ones(1)):
        with pytest.raises(InvalidFieldError):
            read_inputs({"text": wrong}, info(InputKind.TEXT))


def test_image_is_a_file_or_its_base64() -> None:
    given = {"image": strings(b"\x89PNG", b"iVBOR")}
    assert read_inputs(given, info(InputKind.IMAGE)) == [b"\x89PNG", "iVBOR"]


def test_numbers_and_vectors_are_stacked() -> None:
    assert write_outputs([1.0, 2.0], VECTORS, batch=True)["y"].tolist() == [1.0, 2.0]
    alone = write_outputs(1.0, VECTORS, batch=False)["y"]
    assert (alone.shape, alone.dtype.name) == ((1,), "float32")
    vectors = info(InputKind.TEXT, outputs=(TensorSpec("v", "float32", (2,)),))
    rows = [np.ones(2, np.float32), np.zeros(2, np.float32)]
    assert write_outputs(rows, vectors, batch=True)["v"].shape == (2, 2)


def test_likeliest_labels_are_two_tensors() -> None:
    labels = info(InputKind.PAIR, outputs=LABELS)
    results = [
        [{"label": "a", "score": 0.75}, {"label": "b", "score": 0.25}],
        [{"label": "b", "score": 1.0}, {"label": "a", "score": 0.0}],
    ]
    found = write_outputs(results, labels, batch=True)
    assert found["label"].tolist() == [[b"a", b"b"], [b"b", b"a"]]
    assert found["score"].tolist() == [[0.75, 0.25], [1.0, 0.0]]


def test_results_of_several_sizes_fit_no_tensor() -> None:
    labels = info(InputKind.PAIR, outputs=LABELS)
    one = [{"label": "a", "score": 1.0}]
    with pytest.raises(InvalidFieldError, match="one at a time"):
        write_outputs([one, one * 2], labels, batch=True)


def test_what_has_no_shape_is_json_and_text_is_text() -> None:
    found = write_outputs([{"answer": "42"}, "text"], info(InputKind.QUESTION), batch=True)
    assert found["output"].tolist() == [b'{"answer":"42"}', b"text"]


def test_tensor_model_that_says_nothing_is_taken_as_it_answers() -> None:
    silent = info(InputKind.TENSOR, 1)
    found = write_outputs([{"p": np.ones(2), "q": 1}], silent, batch=True)
    assert {name: tensor.shape for name, tensor in found.items()} == {"p": (1, 2), "q": (1,)}
    several = write_outputs([[np.ones(2), np.int64(3)]], silent, batch=True)
    assert several["output_1"].tolist() == [3]


def test_engine_that_breaks_its_word_is_a_fault_of_ours() -> None:
    with pytest.raises(InternalError):
        write_outputs(["no number"], VECTORS, batch=True)
