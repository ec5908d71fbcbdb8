"""Looks into a .pt2 before torch opens it: what in it could run code.

torch.export.load unpickles what the archive says it should, evaluates shapes as Python, looks
functions up by name and loads compiled libraries (torch 2.13). An exported model needs none of
that: its weights are plain bytes, its shapes simple terms, its functions operators.
"""

import builtins
import io
import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

MAX_JSON_BYTES = 256 << 20
_FORMAT_FILE = "archive_format"
_OPERATOR = re.compile(
    r"torch\.ops\.\w+\.\w+(\.\w+)?|torch\.sym_\w+|math\.\w+"
    r"|_operator\.(?!attrgetter|itemgetter|methodcaller|call)\w+"
)
_NAME = re.compile(r"[A-Za-z_]\w*")
_STRING = re.compile(r"'\w*'|\"\w*\"")
_PLAIN = re.compile(r"[\w\s()+\-*/,<>=!&|~.%]*")
_HARMLESS = frozenset({"True", "False", "None", "max", "min", "abs", "round"})


class UnsafeArchiveError(Exception):
    """Opening the file could run code that came with it."""


def check_archive(path: Path) -> None:
    """Raises: UnsafeArchiveError: no torch.export archive, or more in it than one needs."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = {name.partition("/")[2]: name for name in archive.namelist()}
            if _FORMAT_FILE not in names:
                raise UnsafeArchiveError("it is no archive of torch.export.save")
            for inner, name in names.items():
                _check_entry(inner, archive, name)
    except (zipfile.BadZipFile, ValueError) as exc:
        raise UnsafeArchiveError(f"it is no archive of torch.export.save: {exc}") from exc


def _check_entry(inner: str, archive: zipfile.ZipFile, name: str) -> None:
    if inner.startswith("data/aotinductor/"):
        raise UnsafeArchiveError("it holds compiled libraries")
    if inner.endswith("_config.json"):
        for entry in _json(archive, name)["config"].values():
            if entry["use_pickle"] or "_obj" in entry["path_name"]:
                raise UnsafeArchiveError(f"{entry['path_name']} in it is a pickle")
    elif inner.startswith("models/"):
        _check_graph(_json(archive, name))
    elif inner.startswith("data/sample_inputs/"):
        _check_tensors(archive.read(name))
    elif inner.startswith("data/") and inner.endswith(".pt"):
        raise UnsafeArchiveError(f"{inner} in it is a pickle, as older versions wrote them")


def _json(archive: zipfile.ZipFile, name: str) -> Any:
    if archive.getinfo(name).file_size > MAX_JSON_BYTES:
        raise UnsafeArchiveError(f"{name} in it is over {MAX_JSON_BYTES >> 20} MiB")
    return json.loads(archive.read(name))


def _check_tensors(data: bytes) -> None:
    try:
        torch.load(io.BytesIO(data), weights_only=True)
    except Exception as exc:
        raise UnsafeArchiveError("its sample inputs are more than tensors") from exc


def _check_graph(document: Any) -> None:
    for part in _parts(document):
        term = part.get("expr_str")
        if isinstance(term, str) and not is_simple_term(term):
            raise UnsafeArchiveError(f"a shape in it is {term[:80]!r}")
        target = part.get("target")
        if "inputs" in part and isinstance(target, str) and not is_operator(target):
            raise UnsafeArchiveError(f"it calls {target[:80]!r}, which is no operator")


def is_operator(target: str) -> bool:
    """One of torch's registered operators, or arithmetic."""
    return "__" not in target and _OPERATOR.fullmatch(target) is not None


def is_simple_term(term: str) -> bool:
    """Numbers, symbols and calls of functions that are not Python's own."""
    if "__" in term or re.search(r"\.\s*[A-Za-z_]", term):
        return False
    rest = _STRING.sub("", term)
    names = set(_NAME.findall(rest)) - _HARMLESS
    return _PLAIN.fullmatch(rest) is not None and not any(hasattr(builtins, n) for n in names)


def _parts(document: Any) -> Iterator[dict[str, Any]]:
    """Every object in a JSON document, without recursion."""
    left = [document]
    while left:
        part = left.pop()
        if isinstance(part, dict):
            yield part
            left.extend(part.values())
        elif isinstance(part, list):
            left.extend(part)
