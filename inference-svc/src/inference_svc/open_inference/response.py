"""An inference response of V2: JSON, and the outputs behind it that are wanted in binary."""

from collections.abc import Mapping
from typing import Any

import msgspec
import orjson

from fleetserve.errors import InvalidFieldError
from fleetserve.replica.exchange import JSON_CONTENT
from inference_svc.open_inference.classification import classify
from inference_svc.open_inference.datatypes import Array, datatype_of, to_binary, to_json
from inference_svc.open_inference.request import InferRequest

BINARY_CONTENT = "application/octet-stream"
HEAD_LENGTH = b"inference-header-content-length"


class InferResponse(msgspec.Struct, frozen=True, eq=False):
    """The body and what its headers have to say; ``head_length`` None: all of it is JSON."""

    body: bytes
    head_length: int | None

    @property
    def content_type(self) -> str:
        return JSON_CONTENT if self.head_length is None else BINARY_CONTENT

    @property
    def headers(self) -> tuple[tuple[bytes, bytes], ...]:
        return () if self.head_length is None else ((HEAD_LENGTH, b"%d" % self.head_length),)


def write_response(
    request: InferRequest, model: str, version: str, outputs: Mapping[str, Array]
) -> InferResponse:
    """The answer with the outputs that were asked for, in that order, or all.

    Raises: InvalidFieldError: named ``outputs``: one that the model has not.
    """
    wanted = request.outputs
    if wanted is None:
        wanted = dict.fromkeys(outputs, request.binary)
    described: list[dict[str, Any]] = []
    parts: list[bytes | memoryview] = []
    for name, binary in wanted.items():
        tensor = outputs.get(name)
        if tensor is None:
            raise InvalidFieldError(
                "outputs", f"has {name!r}; this model gives {', '.join(outputs)}"
            )
        if name in request.classes:
            tensor = classify(name, tensor, request.classes[name], frozenset(outputs))
        entry = _entry(name, tensor)
        if binary:
            part = to_binary(tensor)
            entry["parameters"] = {"binary_data_size": len(part)}
            parts.append(part)
        else:
            entry["data"] = to_json(tensor)
        described.append(entry)
    head: dict[str, Any] = {"model_name": model, "model_version": version}
    if request.id:
        head["id"] = request.id
    head["outputs"] = described
    content = orjson.dumps(head)
    if not parts:
        return InferResponse(content, None)
    return InferResponse(b"".join([content, *parts]), len(content))


def _entry(name: str, tensor: Array) -> dict[str, Any]:
    return {"name": name, "datatype": datatype_of(tensor.dtype.name), "shape": list(tensor.shape)}
