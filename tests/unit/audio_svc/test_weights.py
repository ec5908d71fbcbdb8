import torch
from torch import nn

from audio_svc.weights import storage_bytes


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
