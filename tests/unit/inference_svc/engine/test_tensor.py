"""Against the module itself, for every kind of file it can be saved as."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from fleetserve.errors import InvalidFieldError
from inference_svc.engine.tensor import TensorEngine
from tests.checkpoints.tensors import WIDTH, make_network, write_export, write_script

VALUES = [[0.5, -1.0, 2.0, 3.0], [1.0, 0.0, 0.0, 0.25], [9.0, 8.0, -7.0, 6.5]]


def run(
    engine: TensorEngine, values: Sequence[Any], parameters: dict[str, object] | None = None
) -> list[Any]:
    options = engine.read_parameters(parameters or {})
    return list(engine.predict_batch([engine.prepare(value, options) for value in values]))


def loaded(folder: Path, rank: int = 1, *, trusted: bool = False) -> TensorEngine:
    engine = TensorEngine(folder, "cpu", rank=rank, trusted=trusted)
    assert engine.load() > 0
    engine.warm_up()
    return engine


def expected(values: Sequence[Any]) -> Any:
    with torch.no_grad():
        return make_network()(torch.tensor(values)).numpy()


@pytest.mark.parametrize("kind", ["script", "export", "export of one", "export of four"])
def test_results_are_the_modules_own(tmp_path: Path, kind: str) -> None:
    write: dict[str, Any] = {
        "script": lambda: write_script(tmp_path / "model.pt"),
        "export": lambda: write_export(tmp_path / "model.pt2"),
        "export of one": lambda: write_export(tmp_path / "m.pt2", sample=torch.zeros(WIDTH)),
        "export of four": lambda: write_export(tmp_path / "m.pt2", sample=torch.zeros(4, WIDTH)),
    }
    write[kind]()
    engine = loaded(tmp_path)
    np.testing.assert_allclose(run(engine, VALUES), expected(VALUES), atol=1e-6)
    np.testing.assert_allclose(run(engine, VALUES * 3), expected(VALUES * 3), atol=1e-6)
    np.testing.assert_allclose(run(engine, VALUES[:1]), expected(VALUES[:1]), atol=1e-6)


def test_a_smaller_batch_than_a_fixed_one_is_filled_up_and_a_larger_one_cut(tmp_path: Path) -> None:
    write_export(tmp_path / "m.pt2", sample=torch.zeros(2, WIDTH))
    np.testing.assert_allclose(run(loaded(tmp_path), VALUES), expected(VALUES), atol=1e-6)


class Several(nn.Module):
    def forward(self, rows: Tensor) -> dict[str, Any]:
        return {"sum": rows.sum(dim=1), "ends": (rows[:, 0], rows[:, -1:]), "many": rows > 0}


def test_several_outputs_keep_their_shape(tmp_path: Path) -> None:
    write_script(tmp_path / "m.pt", Several())
    found = run(loaded(tmp_path), [[1.0, -2.0], [3.0, 4.0]])
    assert found[0]["sum"] == -1.0
    assert (found[1]["ends"][0], found[1]["ends"][1].tolist()) == (3.0, [4.0])
    assert found[0]["many"].tolist() == [True, False]


class Lookup(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(5, 3)

    def forward(self, ids: Tensor) -> Tensor:
        rows: Tensor = self.table(ids)
        return rows.sum(dim=1)


def test_an_export_says_what_numbers_it_takes(tmp_path: Path) -> None:
    network = Lookup().eval()
    write_export(tmp_path / "m.pt2", network, sample=torch.zeros(1, 2, dtype=torch.int64))
    engine = loaded(tmp_path)
    with torch.no_grad():
        wanted = network(torch.tensor([[1, 4]])).numpy()
    np.testing.assert_allclose(run(engine, [[1.0, 4.0]]), wanted, atol=1e-6)
    with pytest.raises(InvalidFieldError, match="a number that int64 can't hold"):
        engine.prepare([1.5, 0.0], engine.read_parameters({}))
    with pytest.raises(InvalidFieldError, match="this model takes none"):
        engine.read_parameters({"dtype": "float32"})


def test_a_scripts_numbers_can_be_named(tmp_path: Path) -> None:
    network = Lookup().eval()
    write_script(tmp_path / "m.pt", network)
    engine = loaded(tmp_path)
    with torch.no_grad():
        wanted = network(torch.tensor([[1, 4]])).numpy()
    np.testing.assert_allclose(run(engine, [[1, 4]], {"dtype": "int64"}), wanted, atol=1e-6)
    with pytest.raises(
        InvalidFieldError, match=r"parameters.dtype: is 'int4'; allowed are float32"
    ):
        engine.read_parameters({"dtype": "int4"})


@pytest.mark.parametrize(
    ("value", "detail"),
    [([[1.0], [1.0, 2.0]], "rows of different lengths"), ([[1e300]], "float32 can't hold")],
)
def test_what_is_no_tensor_fails_by_itself(tmp_path: Path, value: Any, detail: str) -> None:
    write_script(tmp_path / "m.pt")
    engine = loaded(tmp_path, rank=2)
    with pytest.raises(InvalidFieldError, match=detail) as wrong:
        engine.prepare(value, engine.read_parameters({}))
    assert wrong.value.field == "inputs"


def test_inputs_of_other_shapes_are_of_other_groups_and_weigh_by_their_size(tmp_path: Path) -> None:
    write_script(tmp_path / "m.pt")
    engine = loaded(tmp_path)
    options = engine.read_parameters({})
    small, large = engine.prepare([1.0], options), engine.prepare([1.0] * 5120, options)
    assert small.group != large.group
    assert (small.length, large.length) == (1, 20)
