"""An inference request of V2: its JSON, and the tensors behind it, decoded without a copy."""

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec

from fleetserve.errors import BadRequestError, InvalidFieldError
from inference_svc.inputs import explain
from inference_svc.open_inference.datatypes import Array, from_binary, from_json

LONGEST_SHAPE = 32  # numpy itself ends at 64.
NO_PARAMETERS: Mapping[str, object] = {}
NO_CLASSES: Mapping[str, int] = {}
# Said to the server and not to the model.
_RESERVED = frozenset({"binary_data_output", "priority", "timeout", "content_type", "headers"})
_SEQUENCES = frozenset({"sequence_id", "sequence_start", "sequence_end"})

Size = Annotated[int, msgspec.Meta(ge=0, le=1 << 40)]


class InputTensor(msgspec.Struct):
    name: str
    shape: Annotated[list[Size], msgspec.Meta(max_length=LONGEST_SHAPE)]
    datatype: str
    parameters: dict[str, Any] | None = None
    data: Any = msgspec.UNSET


class OutputTensor(msgspec.Struct):
    name: str
    parameters: dict[str, Any] | None = None


class InferBody(msgspec.Struct):
    inputs: list[InputTensor]
    id: str = ""
    parameters: dict[str, Any] | None = None
    outputs: list[OutputTensor] | None = None


class InferRequest(msgspec.Struct, frozen=True, eq=False):
    """What is asked for.

    Attributes:
        inputs: By name: numbers, or an object array of bytes.
        parameters: What is for the model.
        outputs: Which are wanted, None: all; each with whether it is to be binary.
        classes: Of which of them only so many of the largest are.
        binary: Whether outputs are that are not named in ``outputs``.
    """

    id: str
    inputs: dict[str, Array]
    parameters: Mapping[str, object]
    outputs: dict[str, bool] | None
    binary: bool
    classes: Mapping[str, int] = NO_CLASSES


_decode = msgspec.json.Decoder(InferBody).decode


def read_request(raw: bytes, head_length: bytes | None) -> InferRequest:
    """The request in a body.

    Args:
        raw: Uncompressed.
        head_length: Inference-Header-Content-Length; None: all of it is JSON.

    Raises: BadRequestError: not JSON, or not of that length; InvalidFieldError: a field.
    """
    view = memoryview(raw)
    length = len(raw) if head_length is None else _length(head_length, len(raw))
    body = _parse(view[:length])
    binary = _flag(body.parameters, "binary_data_output", "parameters")
    return InferRequest(
        id=body.id,
        inputs=_tensors(body.inputs, view[length:]),
        parameters=_for_the_model(body.parameters),
        outputs=_wanted(body.outputs, binary),
        binary=binary,
        classes=_classes(body.outputs),
    )


def _length(given: bytes, size: int) -> int:
    if not given.isdigit() or int(given) > size:
        raise BadRequestError(
            f"Inference-Header-Content-Length is {given.decode('latin-1')!r}; the body has"
            f" {size} bytes."
        )
    return int(given)


def _parse(head: memoryview) -> InferBody:
    try:
        return _decode(head)
    except msgspec.ValidationError as exc:
        raise InvalidFieldError(*explain(exc, "")) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise BadRequestError(f"The body is not JSON: {exc}") from None
    except RecursionError:
        raise BadRequestError("The body is nested too deeply.") from None


def _tensors(inputs: list[InputTensor], binary: memoryview) -> dict[str, Array]:
    """Each tensor by name; those with a binary_data_size take their bytes in order."""
    found: dict[str, Array] = {}
    position = 0
    for index, tensor in enumerate(inputs):
        field = f"inputs[{index}]"
        if tensor.name in found:
            raise InvalidFieldError(f"{field}.name", f"{tensor.name!r} is there twice")
        size = _binary_size(tensor, field)
        if size is None:
            found[tensor.name] = _from_list(tensor, field)
            continue
        if position + size > len(binary):
            raise InvalidFieldError(
                f"{field}.parameters.binary_data_size",
                f"{size} is more than the {len(binary) - position} bytes that are left",
            )
        part = binary[position : position + size]
        found[tensor.name] = from_binary(tensor.datatype, tensor.shape, part, field)
        position += size
    if position != len(binary):
        raise BadRequestError(f"{len(binary) - position} bytes of the body belong to no input.")
    return found


def _from_list(tensor: InputTensor, field: str) -> Array:
    if tensor.data is msgspec.UNSET:
        raise InvalidFieldError(f"{field}.data", "is missing")
    return from_json(tensor.datatype, tensor.shape, tensor.data, f"{field}.data")


def _binary_size(tensor: InputTensor, field: str) -> int | None:
    parameters = tensor.parameters or {}
    if "shared_memory_region" in parameters:
        raise InvalidFieldError(f"{field}.parameters", "names shared memory; it is not offered")
    size = parameters.get("binary_data_size")
    if size is None:
        return None
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise InvalidFieldError(f"{field}.parameters.binary_data_size", "takes a number of bytes")
    return size


def _for_the_model(parameters: Mapping[str, Any] | None) -> Mapping[str, object]:
    if not parameters:
        return NO_PARAMETERS
    for name in _SEQUENCES & parameters.keys():
        if parameters[name]:
            raise InvalidFieldError(
                f"parameters.{name}", "is not offered; no model here keeps state between requests"
            )
    kept = parameters.keys() - _RESERVED - _SEQUENCES
    return {name: parameters[name] for name in kept}


def _wanted(outputs: list[OutputTensor] | None, binary: bool) -> dict[str, bool] | None:
    if not outputs:
        return None
    found = {}
    for index, output in enumerate(outputs):
        field = f"outputs[{index}].parameters"
        if (output.parameters or {}).get("shared_memory_region"):
            raise InvalidFieldError(f"{field}.shared_memory_region", "is not offered")
        asked = "binary_data" in (output.parameters or {})
        found[output.name] = _flag(output.parameters, "binary_data", field) if asked else binary
    return found


def _classes(outputs: list[OutputTensor] | None) -> Mapping[str, int]:
    found = {}
    for index, output in enumerate(outputs or []):
        count = (output.parameters or {}).get("classification", 0)
        if not isinstance(count, int) or isinstance(count, bool) or count < 0:
            raise InvalidFieldError(
                f"outputs[{index}].parameters.classification", "takes a number of classes"
            )
        if count:
            found[output.name] = count
    return found or NO_CLASSES


def _flag(parameters: Mapping[str, Any] | None, name: str, field: str) -> bool:
    value = (parameters or {}).get(name, False)
    if not isinstance(value, bool):
        raise InvalidFieldError(f"{field}.{name}", "takes true or false")
    return value
