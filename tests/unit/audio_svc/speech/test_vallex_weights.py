import pickle
from pathlib import Path
from typing import Any

import pytest
import torch

from audio_svc.speech.vallex_weights import load_vallex
from audio_svc.weights import storage_bytes
from fleetserve.errors import ConflictError
from tests.checkpoints.encodec import CODES
from tests.checkpoints.vallex import CODEBOOKS, FILE, WIDTH, make_vallex, write_vallex


class Evil:
    def __reduce__(self) -> tuple[Any, ...]:
        return print, ("code ran",)


def test_sizes_are_read_from_the_weights(tmp_path: Path) -> None:
    write_vallex(tmp_path)
    model = load_vallex(tmp_path / FILE)
    assert (model.shape.width, model.shape.layers, model.shape.codebooks) == (WIDTH, 2, CODEBOOKS)
    assert (model.shape.codes, model.shape.signs, model.shape.languages) == (CODES, 80, 3)
    assert not model.training


def test_tables_that_the_file_shares_are_in_memory_once(tmp_path: Path) -> None:
    write_vallex(tmp_path)
    model = load_vallex(tmp_path / FILE)
    shared = model.get_parameter("nar_audio_embeddings.2.word_embeddings.weight")
    assert model.get_parameter("nar_predict_layers.0.weight").data_ptr() == shared.data_ptr()
    numbers = sum(tensor.numel() for tensor in make_vallex().values())
    assert storage_bytes(model) == 4 * (numbers - (CODEBOOKS - 2) * CODES * WIDTH)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"ar_predict_layer.weight": None}, "ar_predict_layer.weight"),
        ({"ar_decoder.layers.0.linear1.weight": None}, "linear1"),
        ({"another.weight": torch.zeros(1)}, "another.weight"),
        ({"nar_predict_layers.6.weight": torch.zeros(3, 3)}, "nar_predict_layers.6"),
    ],
)
def test_checkpoint_of_something_else_is_refused(
    tmp_path: Path, change: dict[str, torch.Tensor | None], text: str
) -> None:
    state: dict[str, Any] = make_vallex() | change
    state = {name: tensor for name, tensor in state.items() if tensor is not None}
    torch.save({"model": state}, tmp_path / FILE)
    with pytest.raises(ConflictError, match=text):
        load_vallex(tmp_path / FILE)


def test_file_without_the_table_or_with_code_is_refused_and_does_not_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for content in ({"weights": make_vallex()}, [1], {"model": make_vallex(), "hook": Evil()}):
        torch.save(content, tmp_path / FILE)
        with pytest.raises(ConflictError, match="download it again"):
            load_vallex(tmp_path / FILE)
    (tmp_path / FILE).write_bytes(pickle.dumps(Evil()))
    with pytest.raises(ConflictError):
        load_vallex(tmp_path / FILE)
    assert "code ran" not in capsys.readouterr().out
