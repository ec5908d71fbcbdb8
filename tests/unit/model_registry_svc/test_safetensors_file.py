import hashlib
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from model_registry_svc.safetensors_file import PIECE_BYTES, write_safetensors
from model_registry_svc.tensor_span import TensorSpan
from model_registry_svc.torch_file import read_state_dict


class StopError(Exception):
    pass


def test_safetensors_reads_what_was_written(tmp_path: Path) -> None:
    state = {
        "b": torch.randn(PIECE_BYTES // 4 + 5),
        "a": torch.randn(3, 2).bfloat16(),
        "n": torch.tensor([True, False]),
        "e": torch.zeros(0, 2),
    }
    torch.save(state, tmp_path / "w.pth")
    spans = read_state_dict(tmp_path / "w.pth") | {"zeros": TensorSpan("I64", (), None)}
    target = tmp_path / "model.safetensors"
    written = write_safetensors(tmp_path / "w.pth", spans, target, check=lambda: None)
    loaded = load_file(target)
    assert loaded.keys() == {*state, "zeros"}
    assert all(torch.equal(loaded[name], tensor) for name, tensor in state.items())
    assert loaded["zeros"].item() == 0
    assert (written.path, written.size) == (target.name, target.stat().st_size)
    assert written.sha256 == hashlib.sha256(target.read_bytes()).hexdigest()


def test_stopped_writing_leaves_no_file_of_that_name(tmp_path: Path) -> None:
    torch.save({"w": torch.zeros(PIECE_BYTES)}, tmp_path / "w.pth")
    checks = iter([None, None])

    def check() -> None:
        if next(checks, StopError) is StopError:
            raise StopError

    target = tmp_path / "model.safetensors"
    with pytest.raises(StopError):
        write_safetensors(
            tmp_path / "w.pth", read_state_dict(tmp_path / "w.pth"), target, check=check
        )
    assert not target.exists()


def test_file_that_became_shorter_is_told(tmp_path: Path) -> None:
    (tmp_path / "w").write_bytes(b"1234")
    spans = {"w": TensorSpan("U8", (8,), 0)}
    with pytest.raises(OSError, match="shorter"):
        write_safetensors(tmp_path / "w", spans, tmp_path / "m", check=lambda: None)
