"""What tensors a model takes and gives in V2, and how they become its inputs and results."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import orjson

from fleetserve.errors import InternalError, InvalidFieldError
from inference_svc.engine.base import EngineInfo, InputKind, TensorSpec
from inference_svc.open_inference.datatypes import Array, datatype_of

TEXT = TensorSpec("text", "bytes")
_INPUTS: Mapping[InputKind, tuple[TensorSpec, ...]] = {
    InputKind.TEXT: (TEXT,),
    InputKind.PAIR: (TEXT,),
    InputKind.QUESTION: (TensorSpec("question", "bytes"), TensorSpec("context", "bytes")),
    InputKind.IMAGE: (TensorSpec("image", "bytes"),),
}
# May be left out.
_TEXT_PAIR = "text_pair"
# For what has no shape of its own: each result as JSON, a string as it is.
JSON = TensorSpec("output", "bytes")
ANY = -1


def inputs_of(info: EngineInfo) -> tuple[TensorSpec, ...]:
    if info.inputs:
        return info.inputs
    if info.kind is InputKind.TENSOR:
        return (TensorSpec("input", "float32", (ANY,) * info.rank),)
    return _INPUTS[info.kind]


def outputs_of(info: EngineInfo) -> tuple[TensorSpec, ...]:
    """What is told of the outputs; of a tensor model that doesn't say, the usual."""
    if not info.outputs and info.kind is InputKind.TENSOR:
        return (TensorSpec("output", "float32", (ANY,)),)
    return info.outputs or (JSON,)


def describe(spec: TensorSpec) -> dict[str, object]:
    """A tensor as the protocol's metadata has it; the first dimension is the batch."""
    return {
        "name": spec.name,
        "datatype": datatype_of(spec.dtype),
        "shape": [ANY, *spec.shape],
    }


def read_inputs(given: Mapping[str, Array], info: EngineInfo) -> Any:
    """The inputs as the model's engine takes them: an array, or a list of texts and the like.

    Raises: InvalidFieldError: named ``inputs``: one is missing, unknown, or of another type.
    """
    specs = inputs_of(info)
    _check_names(given, [spec.name for spec in specs], info.kind)
    if info.kind is InputKind.TENSOR:
        return _fitting(given[specs[0].name], specs[0])
    if info.kind is InputKind.IMAGE:
        return [_image(value) for value in _elements(given["image"], "image")]
    columns = {name: _texts(tensor, name) for name, tensor in given.items()}
    if len(columns) == 1:
        return columns["text"]
    if len({len(column) for column in columns.values()}) > 1:
        raise InvalidFieldError("inputs", f"have not as many elements: {', '.join(columns)}")
    rows = zip(*columns.values(), strict=True)
    return [dict(zip(columns, row, strict=True)) for row in rows]


def write_outputs(result: object, info: EngineInfo, *, batch: bool) -> dict[str, Array]:
    """Every output of a result, or of a list of them.

    Raises: InvalidFieldError: named ``inputs``: the results are of several sizes, which no
    tensor can hold; InternalError: the engine did not give what it declares.
    """
    results: Sequence[Any] = result if batch else [result]  # type: ignore[assignment]
    found = {}
    for spec in info.outputs or _found_in(results[0], info.kind):
        if spec is JSON:
            column = [_as_json(one) for one in results]
        else:
            column = [_part(one, spec.name) for one in results]
        tensor = _stacked(column, spec)
        found[spec.name] = tensor if batch or tensor.ndim == 1 else tensor[0]
    return found


def _check_names(given: Mapping[str, Array], wanted: list[str], kind: InputKind) -> None:
    names = ", ".join(wanted)
    optional = {_TEXT_PAIR} if kind is InputKind.PAIR else set()
    for name in given:
        if name not in wanted and name not in optional:
            raise InvalidFieldError("inputs", f"has {name!r}; this model takes {names}")
    for name in wanted:
        if name not in given:
            raise InvalidFieldError("inputs", f"has no {name!r}; this model takes {names}")


def _fitting(tensor: Array, spec: TensorSpec) -> Array:
    """The tensor as the model's type; only what loses nothing of its kind is converted."""
    wanted = np.dtype("float32" if spec.dtype == "bfloat16" else spec.dtype)
    if tensor.dtype == wanted:
        return tensor
    kinds = {"f": "fiu", "i": "iu", "u": "iu", "b": "b"}.get(wanted.kind, "")
    if tensor.dtype.kind not in kinds:
        raise InvalidFieldError(
            "inputs",
            f"has {spec.name} as {datatype_of(tensor.dtype.name)}; this model takes"
            f" {datatype_of(spec.dtype)}",
        )
    with np.errstate(over="ignore"):
        return tensor.astype(wanted)


def _elements(tensor: Array, name: str) -> list[bytes]:
    if tensor.dtype != object:
        raise InvalidFieldError("inputs", f"has {name} as numbers; this model takes BYTES")
    found: list[bytes] = tensor.reshape(-1).tolist()
    return found


def _texts(tensor: Array, name: str) -> list[str]:
    try:
        return [value.decode() for value in _elements(tensor, name)]
    except UnicodeDecodeError:
        raise InvalidFieldError("inputs", f"has bytes in {name} that are not UTF-8") from None


def _image(value: bytes) -> str | bytes:
    """A file's bytes, or base64 of them: no file of pictures is plain ASCII."""
    return value.decode("ascii") if value.isascii() else value


def _found_in(result: Any, kind: InputKind) -> tuple[TensorSpec, ...]:
    """The outputs of a tensor model that doesn't say what they are."""
    if kind is not InputKind.TENSOR:
        return (JSON,)
    if isinstance(result, Mapping):
        return tuple(TensorSpec(name, "") for name in result)
    if isinstance(result, list):
        return tuple(TensorSpec(f"output_{n}", "") for n in range(len(result)))
    return (TensorSpec("output", ""),)


def _part(result: Any, name: str) -> Any:
    """One output of a result; of a list of objects (the likeliest labels), that of each."""
    if isinstance(result, Mapping):
        return result[name]
    if isinstance(result, list) and name.startswith("output_"):
        return result[int(name.removeprefix("output_"))]
    if isinstance(result, list) and result and isinstance(result[0], Mapping):
        return [one[name] for one in result]
    return result


def _as_json(result: object) -> bytes:
    if isinstance(result, str):
        return result.encode("utf-8", "surrogatepass")
    return orjson.dumps(result, option=orjson.OPT_SERIALIZE_NUMPY)


def _stacked(column: list[Any], spec: TensorSpec) -> Array:
    """One tensor of all results, the batch first."""
    shapes = {np.shape(one) for one in column}
    if len(shapes) > 1:
        raise InvalidFieldError(
            "inputs",
            f"give {spec.name} of several sizes, which one tensor can't hold; send one at a time",
        )
    if spec.dtype == "bytes":
        return _strings(column, shapes.pop())
    try:
        dtype = spec.dtype or None
        if len(column) == 1:
            return np.asarray(column[0], dtype=dtype)[np.newaxis]
        return np.asarray(column, dtype=dtype)
    except (TypeError, ValueError) as exc:
        raise InternalError(f"{spec.name} is not of {spec.dtype}") from exc


def _strings(column: list[Any], shape: tuple[int, ...]) -> Array:
    tensor = np.empty((len(column), *shape), dtype=object)
    tensor[...] = np.array(column, dtype=object).reshape(tensor.shape)
    for place, value in np.ndenumerate(tensor):
        if isinstance(value, str):
            tensor[place] = value.encode("utf-8", "surrogatepass")
    return tensor
