"""The prenet of the last rows against the library's own, on the same weights."""

from typing import Any

import pytest
import torch
from torch.nn import functional

from audio_svc.speech.speecht5_decode import (
    PROBED_LENGTHS,
    TAIL_ROWS,
    PrenetTail,
    find_tail_rows,
)
from tests.checkpoints.speecht5 import make_speecht5
from tests.checkpoints.xvectors import make_xvector

MEL_BINS = 80
SPEAKER = torch.from_numpy(make_xvector(0)).unsqueeze(0)


@pytest.fixture(scope="module")
def model() -> Any:
    return make_speecht5()


@pytest.mark.parametrize("length", PROBED_LENGTHS)
def test_whole_prenet_equals_the_librarys(model: Any, length: int) -> None:
    prenet = model.speecht5.decoder.prenet
    sequence = torch.randn(1, length, MEL_BINS, generator=torch.Generator().manual_seed(1))
    torch.manual_seed(5)
    expected = prenet(sequence, SPEAKER)[:, -1:]
    assert torch.equal(PrenetTail(prenet, SPEAKER, None, 5).last_row(sequence), expected)


def test_tail_of_the_prenet_is_found_equal_or_not_used(model: Any) -> None:
    assert find_tail_rows(model.speecht5.decoder.prenet, MEL_BINS) in (TAIL_ROWS, None)


def test_short_position_table_is_probed_within_its_length() -> None:
    prenet = make_speecht5().speecht5.decoder.prenet
    prenet.config.max_speech_positions = 70
    prenet.encode_positions.pe = prenet.encode_positions.pe[:, :70]
    assert find_tail_rows(prenet, MEL_BINS) in (TAIL_ROWS, None)


def test_one_row_is_the_same_but_for_rounding(model: Any) -> None:
    prenet = model.speecht5.decoder.prenet
    sequence = torch.randn(1, 50, MEL_BINS, generator=torch.Generator().manual_seed(1))
    one = PrenetTail(prenet, SPEAKER, 1, 5).last_row(sequence)
    whole = PrenetTail(prenet, SPEAKER, None, 5).last_row(sequence)
    assert functional.mse_loss(one, whole) < 1e-10
