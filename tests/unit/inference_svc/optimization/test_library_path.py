import tempfile
from pathlib import Path

import pytest
from torch.utils import cpp_extension

from inference_svc.optimization.library_path import avoid_spaces


def test_path_with_a_space_is_told_by_a_link(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    libraries = tmp_path / "a checkout"
    libraries.mkdir()
    (libraries / "libtorch.so").touch()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    for _ in range(2):
        monkeypatch.setattr(cpp_extension, "TORCH_LIB_PATH", str(libraries))
        avoid_spaces()
        told = cpp_extension.TORCH_LIB_PATH
        assert " " not in told
        assert Path(told, "libtorch.so").exists()


def test_path_without_one_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpp_extension, "TORCH_LIB_PATH", "/opt/torch/lib")
    avoid_spaces()
    assert cpp_extension.TORCH_LIB_PATH == "/opt/torch/lib"
