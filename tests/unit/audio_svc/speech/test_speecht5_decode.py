"""The decoding loop against the library's own, on the same weights."""

from collections.abc import Generator
from typing import Any

import pytest
import torch
from torch.nn import functional

from audio_svc.speech.speecht5_decode import (
    PROBED_LENGTHS,
    TAIL_ROWS,
    PrenetTail,
    decode_spectrogram,
    find_tail_rows,
)
from tests.checkpoints.speecht5 import make_speecht5
from tests.checkpoints.xvectors import make_xvector

MEL_BINS = 80
TOKENS = torch.tensor([[4, 17, 5, 11, 11, 7, 37, 4, 6, 9, 10, 8, 2]])
SPEAKER = torch.from_numpy(make_xvector(0)).unsqueeze(0)


@pytest.fixture(scope="module")
def model() -> Any:
    return make_speecht5()


def finish(steps: Generator[None, None, tuple[torch.Tensor, bool]]) -> tuple[torch.Tensor, bool]:
    while True:
        try:
            next(steps)
        except StopIteration as ended:
            value: tuple[torch.Tensor, bool] = ended.value
            return value


def decode(model: Any, rows: int | None, seed: int | None) -> torch.Tensor:
    tail = PrenetTail(model.speecht5.decoder.prenet, SPEAKER, rows, seed)
    return finish(decode_spectrogram(model, TOKENS, tail))[0]


def library(model: Any, seed: int) -> torch.Tensor:
    torch.manual_seed(seed)
    spectrogram: torch.Tensor = model.generate_speech(TOKENS, SPEAKER)
    return spectrogram


@pytest.mark.parametrize("seed", [0, 1, 2, 2**40])
@pytest.mark.parametrize("rows", [None, "found"])
def test_seeded_spectrogram_equals_the_librarys_in_every_bit(
    model: Any, rows: str | None, seed: int
) -> None:
    found = find_tail_rows(model.speecht5.decoder.prenet, MEL_BINS) if rows else None
    assert torch.equal(decode(model, found, seed), library(model, seed))


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


def test_global_generator_is_neither_read_nor_moved(model: Any) -> None:
    torch.manual_seed(11)
    before = torch.get_rng_state()
    first = decode(model, None, 3)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(12)
    assert torch.equal(decode(model, None, 3), first)


def test_unseeded_readings_differ(model: Any) -> None:
    first, second = decode(model, 1, None), decode(model, 1, None)
    assert first.shape != second.shape or not torch.equal(first, second)


def test_each_step_yields(model: Any) -> None:
    tail = PrenetTail(model.speecht5.decoder.prenet, SPEAKER, None, 1)
    steps = 0
    decoding = decode_spectrogram(model, TOKENS, tail)
    for _ in decoding:
        steps += 1
    assert steps == len(decode(model, None, 1)) / model.config.reduction_factor


def test_model_that_never_stops_is_cut_at_the_librarys_bound() -> None:
    model = make_speecht5()
    model.speech_decoder_postnet.prob_out.bias.data.fill_(-1000.0)
    tail = PrenetTail(model.speecht5.decoder.prenet, SPEAKER, 1, 1)
    spectrogram, stopped = finish(decode_spectrogram(model, TOKENS, tail))
    assert not stopped
    assert len(spectrogram) == TOKENS.shape[1] * 20


def test_model_that_never_stops_is_cut_where_the_library_would_raise() -> None:
    model = make_speecht5()
    model.speech_decoder_postnet.prob_out.bias.data.fill_(-1000.0)
    model.config.max_speech_positions = 40
    tail = PrenetTail(model.speecht5.decoder.prenet, SPEAKER, 1, 1)
    spectrogram, stopped = finish(decode_spectrogram(model, TOKENS, tail))
    assert not stopped
    assert len(spectrogram) == 40 * model.config.reduction_factor
