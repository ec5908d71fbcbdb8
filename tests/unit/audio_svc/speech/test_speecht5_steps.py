"""The decoding loop against the library's own, on the same weights, alone and in company."""

from typing import Any

import pytest
import torch

from audio_svc.speech.speecht5_decode import PrenetTail, find_tail_rows
from audio_svc.speech.speecht5_steps import FIRST_STEPS, Reading, advance
from tests.checkpoints.speecht5 import make_speecht5
from tests.checkpoints.xvectors import make_xvector

MEL_BINS = 80
TOKENS = torch.tensor([[4, 17, 5, 11, 11, 7, 37, 4, 6, 9, 10, 8, 2]])
OTHERS = [TOKENS[:, :5], TOKENS, torch.cat([TOKENS[:, :-1], TOKENS], dim=1)]
SPEAKER = torch.from_numpy(make_xvector(0)).unsqueeze(0)


@pytest.fixture(scope="module")
def model() -> Any:
    return make_speecht5()


def open_reading(
    model: Any, rows: int | None, seed: int | None, tokens: torch.Tensor = TOKENS
) -> Reading:
    return Reading(model, tokens, PrenetTail(model.speecht5.decoder.prenet, SPEAKER, rows, seed))


def finish(model: Any, readings: list[Reading]) -> list[Reading]:
    while going := [reading for reading in readings if not reading.ended]:
        advance(model, going)
    return readings


def decode(model: Any, rows: int | None, seed: int | None) -> torch.Tensor:
    return finish(model, [open_reading(model, rows, seed)])[0].spectrogram()


def library(model: Any, seed: int, tokens: torch.Tensor = TOKENS) -> torch.Tensor:
    torch.manual_seed(seed)
    spectrogram: torch.Tensor = model.generate_speech(tokens, SPEAKER)
    return spectrogram


@pytest.mark.parametrize("seed", [0, 1, 2, 2**40])
@pytest.mark.parametrize("rows", [None, "found"])
def test_seeded_spectrogram_equals_the_librarys_in_every_bit(
    model: Any, rows: str | None, seed: int
) -> None:
    found = find_tail_rows(model.speecht5.decoder.prenet, MEL_BINS) if rows else None
    assert torch.equal(decode(model, found, seed), library(model, seed))


@pytest.mark.parametrize("count", [2, 3, 8])
def test_utterances_in_company_equal_the_librarys_alone(model: Any, count: int) -> None:
    texts = [OTHERS[number % len(OTHERS)] for number in range(count)]
    readings = [open_reading(model, None, seed, tokens) for seed, tokens in enumerate(texts)]
    for seed, reading in enumerate(finish(model, readings)):
        alone = library(model, seed, texts[seed])
        assert reading.spectrogram().shape == alone.shape
        assert (reading.spectrogram() - alone).abs().max() < 1e-4


def test_utterances_join_and_leave_between_steps(model: Any) -> None:
    first, late = open_reading(model, None, 1), open_reading(model, None, 2, OTHERS[0])
    for _ in range(7):
        advance(model, [first])
    finish(model, [first, late])
    for seed, reading, tokens in ((1, first, TOKENS), (2, late, OTHERS[0])):
        assert (reading.spectrogram() - library(model, seed, tokens)).abs().max() < 1e-4


def test_step_that_failed_half_way_can_be_taken_again(
    model: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    readings = [open_reading(model, None, seed) for seed in (1, 2)]
    advance(model, readings)
    with monkeypatch.context() as patch:
        patch.delattr(model.speecht5.decoder.wrapped_decoder.layers[1], "feed_forward")
        with pytest.raises(AttributeError):
            advance(model, readings)
    for seed, reading in enumerate(finish(model, readings), start=1):
        assert (reading.spectrogram() - library(model, seed)).abs().max() < 1e-4


def test_memory_of_keys_grows_without_losing_any() -> None:
    model = make_speecht5()
    model.speech_decoder_postnet.prob_out.bias.data.fill_(-1000.0)
    made = decode(model, None, 1)
    assert len(made) > 2 * 1.5 * FIRST_STEPS
    assert torch.equal(made, library(model, 1))


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


def test_model_that_never_stops_is_cut_at_the_librarys_bound() -> None:
    model = make_speecht5()
    model.speech_decoder_postnet.prob_out.bias.data.fill_(-1000.0)
    reading = finish(model, [open_reading(model, 1, 1)])[0]
    assert not reading.stopped
    assert len(reading.spectrogram()) == TOKENS.shape[1] * 20


def test_model_that_never_stops_is_cut_where_the_library_would_raise() -> None:
    model = make_speecht5()
    model.speech_decoder_postnet.prob_out.bias.data.fill_(-1000.0)
    model.config.max_speech_positions = 40
    reading = finish(model, [open_reading(model, 1, 1)])[0]
    assert not reading.stopped
    assert len(reading.spectrogram()) == 40 * model.config.reduction_factor
