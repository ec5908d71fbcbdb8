import io
import os
import pickle
from collections import OrderedDict
from pathlib import Path

import pytest

from model_registry_svc.torch_pickle import Storage, StoredTensor, TorchUnpickler


def load(raw: bytes) -> object:
    return TorchUnpickler(io.BytesIO(raw)).load()


class Runs:
    """Pickles as a call of os.system."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[object, ...]:
        return os.system, (f"touch {self.target}",)


def test_plain_values_and_ordered_dicts_come(tmp_path: Path) -> None:
    value = OrderedDict(a=1, b=[2.5, None], c={"d": (True, "e")})
    assert load(pickle.dumps(value)) == value


def test_code_is_named_and_not_run(tmp_path: Path) -> None:
    raw = pickle.dumps(Runs(tmp_path / "ran"))
    with pytest.raises(pickle.UnpicklingError, match=r"it names posix\.system"):
        load(raw)
    assert not (tmp_path / "ran").exists()
    pickle.loads(raw)
    assert (tmp_path / "ran").exists()


@pytest.mark.parametrize("name", ["builtins\neval", "builtins\ngetattr", "torch\nload", "os\nwalk"])
def test_no_other_name_is_known(name: str) -> None:
    with pytest.raises(pickle.UnpicklingError, match="it names"):
        load(f"c{name}\n.".encode())


def test_a_type_of_storage_is_a_word_that_can_not_be_called() -> None:
    assert load(b"ctorch\nFloatStorage\n.") == "F32"
    with pytest.raises(TypeError):
        load(b"ctorch\nFloatStorage\n(tR.")


def tensor(shape: tuple[int, ...], strides: tuple[int, ...], start: int = 0) -> object:
    """As the unpickler would be led to build it from a storage of 24 floats."""
    make = TorchUnpickler(io.BytesIO()).find_class("torch._utils", "_rebuild_tensor_v2")
    assert callable(make)
    return make(Storage("0", "F32", 24), start, shape, strides, False, OrderedDict())


@pytest.mark.parametrize(
    ("shape", "strides"),
    [((2, 3, 4), (12, 4, 1)), ((), ()), ((4, 1, 1), (1, 9, 9)), ((0, 3), (3, 1))],
)
def test_dense_tensor_is_a_place(shape: tuple[int, ...], strides: tuple[int, ...]) -> None:
    assert tensor(shape, strides) == StoredTensor(Storage("0", "F32", 24), 0, shape)


@pytest.mark.parametrize(
    ("shape", "strides", "start"),
    [
        ((4, 6), (1, 4), 0),
        ((5, 5), (5, 1), 0),
        ((4, 6), (6, 1), 1),
        ((-4, 6), (6, 1), 0),
        ((4,), (1,), -1),
    ],
)
def test_other_tensor_is_refused(
    shape: tuple[int, ...], strides: tuple[int, ...], start: int
) -> None:
    with pytest.raises(ValueError, match="tensor"):
        tensor(shape, strides, start)


@pytest.mark.parametrize(
    "pid", ["x", ("module", 1, 2), ("storage", "F32", "0", "cpu", 4, ("root", 0, 2))]
)
def test_reference_to_something_else_is_refused(pid: object) -> None:
    with pytest.raises(ValueError, match="storage"):
        TorchUnpickler(io.BytesIO()).persistent_load(pid)
