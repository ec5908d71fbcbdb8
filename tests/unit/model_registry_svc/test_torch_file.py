import zipfile
from collections import OrderedDict
from pathlib import Path

import pytest
import torch

from model_registry_svc.tensor_span import TensorSpan
from model_registry_svc.torch_file import UnreadableWeightsError, read_state_dict

STATE = OrderedDict(
    weight=torch.randn(4, 3, 2),
    half=torch.randn(5).half(),
    brain=torch.randn(2, 2).bfloat16(),
    count=torch.tensor(41),
    empty=torch.zeros(0, 3),
    parameter=torch.nn.Parameter(torch.randn(2, 7)),
)
BASE = torch.arange(30.0)
VIEWS = {"first": BASE[:12].view(3, 4), "last": BASE[20:], "again": BASE[:12]}


def bytes_of(path: Path, span: TensorSpan) -> bytes:
    assert span.offset is not None
    return path.read_bytes()[span.offset : span.offset + span.size]


def raw(tensor: torch.Tensor) -> bytes:
    return tensor.detach().contiguous().flatten().view(torch.uint8).numpy().tobytes()


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("state", [STATE, VIEWS], ids=["state", "views"])
def test_every_tensor_is_found_where_torch_put_it(
    tmp_path: Path, state: dict[str, torch.Tensor], legacy: bool
) -> None:
    path = tmp_path / "w.pth"
    torch.save(state, path, _use_new_zipfile_serialization=not legacy)
    found = read_state_dict(path)
    assert list(found) == list(state)
    for name, tensor in state.items():
        assert found[name].shape == tuple(tensor.shape)
        expected = raw(tensor.view(1) if tensor.dim() == 0 else tensor)
        assert bytes_of(path, found[name]) == expected, name
    if "half" in state:
        assert [found[n].dtype for n in ("weight", "half", "brain", "count")] == [
            "F32",
            "F16",
            "BF16",
            "I64",
        ]


def test_metadata_of_a_module_does_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "w.pth"
    torch.save(torch.nn.BatchNorm1d(3).state_dict(), path)
    assert "num_batches_tracked" in read_state_dict(path)


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (torch.nn.Linear(2, 2), "names torch.nn.modules.linear.Linear"),
        ({"state_dict": {"w": torch.zeros(2)}}, "'state_dict' is no tensor"),
        ([torch.zeros(2)], "no dict of tensors"),
        ({"w": torch.randn(3, 4).t()}, "not stored row by row"),
    ],
)
def test_what_is_no_state_dict_is_said_to_be_none(
    tmp_path: Path, content: object, said: str, legacy: bool
) -> None:
    path = tmp_path / "w.pth"
    torch.save(content, path, _use_new_zipfile_serialization=not legacy)
    with pytest.raises(UnreadableWeightsError, match=said):
        read_state_dict(path)


@pytest.mark.parametrize("legacy", [False, True])
def test_file_cut_short_anywhere_is_unreadable(tmp_path: Path, legacy: bool) -> None:
    whole, path = tmp_path / "whole.pth", tmp_path / "w.pth"
    torch.save({"w": torch.randn(40)}, whole, _use_new_zipfile_serialization=not legacy)
    content = whole.read_bytes()
    for length in range(0, len(content), 7):
        path.write_bytes(content[:length])
        with pytest.raises(UnreadableWeightsError):
            read_state_dict(path)


def test_file_of_another_kind_is_unreadable(tmp_path: Path) -> None:
    path = tmp_path / "w.pth"
    for content in (b"", b"<html>", b"PK\x03\x04" + bytes(60)):
        path.write_bytes(content)
        with pytest.raises(UnreadableWeightsError):
            read_state_dict(path)


def test_bytes_in_the_other_order_are_refused(tmp_path: Path) -> None:
    whole, path = tmp_path / "whole.pth", tmp_path / "w.pth"
    torch.save({"w": torch.randn(4)}, whole)
    with zipfile.ZipFile(whole) as old, zipfile.ZipFile(path, "w") as new:
        for info in old.infolist():
            is_order = info.filename.endswith("byteorder")
            new.writestr(info, b"big" if is_order else old.read(info))
    with pytest.raises(UnreadableWeightsError, match="other order"):
        read_state_dict(path)
