from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from inference_svc.engine.tensor_module import UnusableArtifactError, find_artifact, load_artifact
from tests.checkpoints.tensors import WIDTH, make_network, write_export, write_script


def test_an_export_goes_before_a_script(tmp_path: Path) -> None:
    write_script(tmp_path / "m.pt")
    write_export(tmp_path / "deep/m.pt2")
    assert find_artifact(tmp_path) == tmp_path / "deep/m.pt2"


def test_several_models_or_none_are_told(tmp_path: Path) -> None:
    with pytest.raises(UnusableArtifactError, match=r"no \.pt2 or \.pt"):
        find_artifact(tmp_path)
    for name in ("a.pt", "b.pt"):
        write_script(tmp_path / name)
    with pytest.raises(UnusableArtifactError, match=r"several models in it: a\.pt, b\.pt"):
        find_artifact(tmp_path)


def test_a_state_dict_is_no_model(tmp_path: Path) -> None:
    torch.save(make_network().state_dict(), tmp_path / "m.pt")
    with pytest.raises(UnusableArtifactError, match=r"m\.pt is no TorchScript file"):
        load_artifact(tmp_path / "m.pt", 1, "cpu", trusted=True)


def test_an_export_of_another_rank_is_told(tmp_path: Path) -> None:
    write_export(tmp_path / "m.pt2", sample=torch.zeros(1, WIDTH))
    with pytest.raises(
        UnusableArtifactError, match="tensor of rank 2, which is neither one of rank 3"
    ):
        load_artifact(tmp_path / "m.pt2", 3, "cpu", trusted=False)


class Two(nn.Module):
    def forward(self, pair: tuple[Tensor, Tensor]) -> Tensor:
        return pair[0] + pair[1]


def test_an_export_of_several_inputs_is_told(tmp_path: Path) -> None:
    write_export(tmp_path / "m.pt2", Two(), sample=(torch.zeros(1, 2), torch.zeros(1, 2)))
    with pytest.raises(UnusableArtifactError, match="takes 2 inputs"):
        load_artifact(tmp_path / "m.pt2", 1, "cpu", trusted=False)


class Sum(nn.Module):
    def forward(self, rows: Tensor) -> Tensor:
        return rows.sum()


def test_an_output_without_the_batchs_dimension_is_told(tmp_path: Path) -> None:
    write_script(tmp_path / "m.pt", Sum())
    module = load_artifact(tmp_path / "m.pt", 1, "cpu", trusted=True)
    with pytest.raises(UnusableArtifactError, match=r"shape \(\) for a batch of 2"):
        module([torch.zeros(2), torch.zeros(2)])


def test_a_file_that_is_cut_off_is_told(tmp_path: Path) -> None:
    write_export(tmp_path / "m.pt2")
    whole = (tmp_path / "m.pt2").read_bytes()
    (tmp_path / "m.pt2").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UnusableArtifactError, match=r"m\.pt2 is not opened: it is no archive"):
        load_artifact(tmp_path / "m.pt2", 1, "cpu", trusted=False)
