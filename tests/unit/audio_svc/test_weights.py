import torch
from torch import nn

from audio_svc.weights import fuse_weight_norm, storage_bytes


def test_parameters_and_buffers_are_counted() -> None:
    module = nn.BatchNorm1d(4)  # Two parameters and two buffers of 4 floats, a count of 8 bytes.
    assert storage_bytes(module) == 4 * 4 * 4 + 8


def test_shared_storage_counts_once() -> None:
    one, other = nn.Linear(8, 8, bias=False), nn.Linear(8, 8, bias=False)
    other.weight = one.weight
    view = nn.Module()
    view.register_buffer("part", one.weight.detach()[:4])
    assert storage_bytes(one, other, view) == 8 * 8 * 4


def test_dtype_counts() -> None:
    assert storage_bytes(nn.Linear(8, 8, bias=False).to(torch.bfloat16)) == 8 * 8 * 2


def test_weight_norm_is_multiplied_out_with_the_same_outputs() -> None:
    layer = torch.nn.utils.parametrizations.weight_norm(torch.nn.Conv1d(3, 4, 5))
    plain = torch.nn.Sequential(layer, torch.nn.Conv1d(4, 2, 1)).eval()
    signal = torch.randn(1, 3, 20, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        expected = plain(signal)
        fuse_weight_norm(plain)
        assert torch.equal(plain(signal), expected)
    assert not torch.nn.utils.parametrize.is_parametrized(layer)
    assert storage_bytes(layer) == (4 * 3 * 5 + 4) * 4
