"""One input or a batch of them: what a request's ``inputs`` mean for a model; pure.

What has the wrong type or rank makes the whole request a 422 that names the place. What is
only wrong in itself (too long, empty) fails alone, in its place in the list of results.
"""

import re
from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from fleetserve.errors import InvalidFieldError
from inference_svc.engine.base import EngineInfo, InputKind

_NESTED = (float, list[float], list[list[float]], list[list[list[float]]])
MAX_RANK = 8


class TokenIds(msgspec.Struct, frozen=True):
    """A text as the ids of the model's own tokenizer; no JSON makes one by itself."""

    ids: list[int]


class Inputs(msgspec.Struct, frozen=True):
    """``values``: each one input of the model; ``batch``: they came as a list."""

    values: list[Any]
    batch: bool


def read_inputs(inputs: object, info: EngineInfo) -> Inputs:
    """The inputs of a request.

    Raises: InvalidFieldError: wrong type or rank, at ``inputs`` or ``inputs[i]…``; or an empty
    list.
    """
    if info.kind is InputKind.TENSOR:
        return _read_tensors(inputs, info.rank)
    check, one, several = _CHECKS[info.kind]
    if not isinstance(inputs, list):
        if not isinstance(inputs, str | dict | bytes):
            raise InvalidFieldError("inputs", f"takes {one} or {several}, not {kind_of(inputs)}")
        check(inputs, "inputs", f"{one} or {several}")
        return Inputs([inputs], batch=False)
    _refuse_empty(inputs)
    for index, value in enumerate(inputs):
        check(value, f"inputs[{index}]", one)
    return Inputs(inputs, batch=True)


def _check_text(value: object, field: str, wanted: str) -> None:
    if not isinstance(value, str | TokenIds):
        raise InvalidFieldError(field, f"takes {wanted}, not {kind_of(value)}")


def _check_pair(value: object, field: str, wanted: str) -> None:
    if not isinstance(value, str):
        _check_object(value, field, wanted, ("text", "text_pair"))


def _check_question(value: object, field: str, wanted: str) -> None:
    _check_object(value, field, wanted, ("question", "context"))


def _check_image(value: object, field: str, wanted: str) -> None:
    if not isinstance(value, str | bytes):
        raise InvalidFieldError(field, f"takes {wanted}, not {kind_of(value)}")


def _check_object(value: object, field: str, wanted: str, names: tuple[str, ...]) -> None:
    """Exactly these names, each a string."""
    if not isinstance(value, dict):
        raise InvalidFieldError(field, f"takes {wanted}, not {kind_of(value)}")
    for name in names:
        if name not in value:
            raise InvalidFieldError(f"{field}.{name}", "is missing")
        if not isinstance(value[name], str):
            kind = kind_of(value[name])
            raise InvalidFieldError(f"{field}.{name}", f"takes a string, not {kind}")
    for name in value:
        if name not in names:
            known = " and ".join(names)
            raise InvalidFieldError(f"{field}.{name}", f"is not known; there are {known}")


_Check = Callable[[object, str, str], None]
_QUESTION = "an object with question and context"
_PAIR = "a string or an object with text and text_pair"
_IMAGE = "an image as base64 or data URL"
_CHECKS: dict[InputKind, tuple[_Check, str, str]] = {
    InputKind.TEXT: (_check_text, "a string", "a list of strings"),
    InputKind.PAIR: (_check_pair, _PAIR, "a list of those"),
    InputKind.QUESTION: (_check_question, _QUESTION, "a list of those"),
    InputKind.IMAGE: (_check_image, _IMAGE, "a list of those"),
}


def _read_tensors(inputs: object, rank: int) -> Inputs:
    found = inputs.ndim if isinstance(inputs, np.ndarray) else _rank(inputs)
    if found not in (rank, rank + 1):
        raise InvalidFieldError(
            "inputs",
            f"takes a tensor of rank {rank} or a list of those, not "
            + (
                f"one of rank {found}"
                if isinstance(inputs, (list, np.ndarray))
                else kind_of(inputs)
            ),
        )
    if isinstance(inputs, np.ndarray):
        return _read_array(inputs, batch=found == rank + 1)
    if isinstance(inputs, list):
        _refuse_empty(inputs)
    tensor = _numbers(inputs, found)
    return Inputs(tensor, batch=True) if found == rank + 1 else Inputs([tensor], batch=False)


def _read_array(inputs: npt.NDArray[Any], *, batch: bool) -> Inputs:
    """Each input as a view, so that megabytes are not copied."""
    if batch and not len(inputs):
        raise InvalidFieldError("inputs", "is an empty batch; there is nothing to compute")
    return Inputs(list(inputs) if batch else [inputs], batch=batch)


def _rank(value: object) -> int:
    """The depth of the first branch."""
    rank = 0
    while isinstance(value, list) and rank < MAX_RANK:
        rank += 1
        value = value[0] if value else 0.0
    return rank


def _numbers(inputs: object, rank: int) -> Any:
    """The same nesting with every number a float; checked all through, in C."""
    try:
        return msgspec.convert(inputs, _nested(rank))
    except msgspec.ValidationError as exc:
        field, wrong = explain(exc, "inputs")
        raise InvalidFieldError(field, wrong) from None
    except OverflowError:
        raise InvalidFieldError("inputs", "has a number that no float can hold") from None


def _nested(rank: int) -> Any:
    if rank < len(_NESTED):
        return _NESTED[rank]
    return list[_nested(rank - 1)]  # type: ignore[misc]  # built at run time


def _refuse_empty(inputs: list[Any]) -> None:
    if not inputs:
        raise InvalidFieldError("inputs", "is an empty list; there is nothing to compute")


_WHERE = re.compile(r"^(?P<what>.*?)(?: - at `(?:key in )?\$(?P<path>.*)`)?$", re.DOTALL)
_NAMES = {
    "int": "an integer",
    "float": "a number",
    "str": "a string",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}
_BOUNDS = {"<=": "of at most", "<": "below", ">=": "of at least", ">": "above"}


def explain(exc: msgspec.ValidationError, root: str) -> tuple[str, str]:
    """Field and reason of a msgspec error, in the words of JSON.

    Args:
        exc: Such as "Expected `float`, got `str` - at `$[2][0]`".
        root: What ``$`` stands for; empty for the body itself.
    """
    found = _WHERE.match(str(exc))
    what, path = (found["what"], found["path"] or "") if found else (str(exc), "")
    field = f"{root}{path}" if root else path.lstrip(".") or "body"
    missing = re.fullmatch(r"Object missing required field `(\w+)`", what)
    if missing:
        prefix = f"{field}." if field != "body" else ""
        return f"{prefix}{missing[1]}", "is missing"
    typed = re.fullmatch(r"Expected `([^`]+)`, got `([^`]+)`", what)
    if typed:
        wanted = " or ".join(_NAMES.get(name, name) for name in typed[1].split(" | "))
        return field, f"takes {wanted}, not {_NAMES.get(typed[2], typed[2])}"
    bounded = re.fullmatch(r"Expected `([^`]+)` ([<>]=?) (\S+)", what)
    if bounded:
        wanted = _NAMES.get(bounded[1], bounded[1])
        return field, f"takes {wanted} {_BOUNDS[bounded[2]]} {bounded[3]}"
    return field, what[0].lower() + what[1:].replace("`", "")


def kind_of(value: object) -> str:
    """What a JSON value is, in words."""
    if value is None:
        return "null"
    names = {
        bool: "a boolean",
        int: "a number",
        float: "a number",
        str: "a string",
        bytes: "a file",
    }
    return names.get(type(value), "a list" if isinstance(value, list) else "an object")
