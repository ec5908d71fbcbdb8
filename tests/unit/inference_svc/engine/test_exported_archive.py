"""Each way that an archive could run code is tried with one that would leave a file behind."""

import io
import json
import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from inference_svc.engine.exported_archive import (
    UnsafeArchiveError,
    check_archive,
    is_operator,
    is_simple_term,
)
from tests.checkpoints.tensors import write_export

Change = Callable[[dict[str, bytes]], None]


class Payload:
    """Leaves a folder behind where it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.mkdir, (str(self.path),)


def rewritten(source: Path, target: Path, change: Change) -> Path:
    with zipfile.ZipFile(source) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    change(files)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return target


def entry(files: dict[str, bytes], ending: str) -> str:
    return next(name for name in files if name.endswith(ending))


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("export") / "m.pt2"
    write_export(path)
    return path


def test_what_torch_writes_is_let_through(export: Path) -> None:
    check_archive(export)
    assert torch.export.load(export) is not None


def pickled_weights(path: Path) -> Change:
    def change(files: dict[str, bytes]) -> None:
        config = entry(files, "weights_config.json")
        document = json.loads(files[config])
        first = next(iter(document["config"].values()))
        first["use_pickle"] = True
        files[config] = json.dumps(document).encode()
        files[entry(files, first["path_name"])] = pickle.dumps(Payload(path))

    return change


def hostile_samples(path: Path) -> Change:
    def change(files: dict[str, bytes]) -> None:
        file = io.BytesIO()
        torch.save(Payload(path), file)
        files[entry(files, "sample_inputs/model.pt")] = file.getvalue()

    return change


def hostile_shape(path: Path) -> Change:
    def change(files: dict[str, bytes]) -> None:
        name = entry(files, "models/model.json")
        text = files[name].decode()
        term = json.dumps(f"__import__('os').mkdir('{path}')")
        assert '"expr_str"' in text
        head, _, rest = text.partition('"expr_str": ')
        files[name] = f'{head}"expr_str": {term}{rest[rest.index(",") :]}'.encode()

    return change


def hostile_call(path: Path) -> Change:
    def change(files: dict[str, bytes]) -> None:
        name = entry(files, "models/model.json")
        files[name] = files[name].replace(b"torch.ops.aten.tanh.default", b"torch.hub.load")

    return change


def compiled_library(path: Path) -> Change:
    def change(files: dict[str, bytes]) -> None:
        root = next(iter(files)).partition("/")[0]
        files[f"{root}/data/aotinductor/model/wrapper.so"] = b"\x7fELF"

    return change


@pytest.mark.parametrize(
    "make", [pickled_weights, hostile_samples, hostile_shape, hostile_call, compiled_library]
)
def test_what_could_run_code_is_refused_before_it_does(
    export: Path, tmp_path: Path, make: Callable[[Path], Change]
) -> None:
    mark = tmp_path / "mark"
    with pytest.raises(UnsafeArchiveError):
        check_archive(rewritten(export, tmp_path / "m.pt2", make(mark)))
    assert not mark.exists()


def test_those_do_run_code_in_torch_itself(export: Path, tmp_path: Path) -> None:
    # Else there would be nothing to guard against, and the tests above would show nothing.
    for number, make in enumerate((pickled_weights, hostile_samples)):
        mark = tmp_path / f"mark {number}"
        path = rewritten(export, tmp_path / f"{number}.pt2", make(mark))
        with pytest.raises(Exception):  # noqa: B017, PT011 - of whatever kind
            torch.export.load(path).module()(torch.zeros(1, 9))
        assert mark.exists()


def test_no_archive_at_all_is_told(tmp_path: Path) -> None:
    path = tmp_path / "m.pt2"
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(UnsafeArchiveError, match=r"no archive of torch\.export\.save"):
        check_archive(path)


@pytest.mark.parametrize(
    ("term", "simple"),
    [
        ("Symbol('s31', positive=True, integer=True)", True),
        ("2*Symbol('s0', integer=True) + 1", True),
        ("FloorDiv(Symbol('s0'), 2)", True),
        ("Max(1, Mod(Symbol('s0'), 4))", True),
        ("__import__('os')", False),
        ("eval('1')", False),
        ("getattr(Symbol, 'x')", False),
        ("Symbol('x').func", False),
        ("Symbol('a b')", False),
        ("[1][0]", False),
        ("open('f')", False),
    ],
)
def test_shapes_are_simple_terms(term: str, simple: bool) -> None:
    assert is_simple_term(term) is simple


@pytest.mark.parametrize(
    ("target", "known"),
    [
        ("torch.ops.aten.linear.default", True),
        ("torch.ops.higher_order.cond", True),
        ("_operator.getitem", True),
        ("math.ceil", True),
        ("torch.sym_max", True),
        ("torch.ops.load_library", False),
        ("torch.hub.load", False),
        ("torch.load", False),
        ("_operator.methodcaller", False),
        ("torch.ops.aten.__class__", False),
        ("os.system", False),
    ],
)
def test_only_operators_are_called(target: str, known: bool) -> None:
    assert is_operator(target) is known
