from typing import Any

import numpy as np
import pytest
import torch

from audio_svc.audio.silero import WINDOW, SpeechMeter
from tests.unit.audio_svc.requests import speech, tone


@pytest.fixture(scope="module")
def package() -> Any:
    """The package's own model, window by window."""
    from silero_vad import load_silero_vad

    threads = torch.get_num_threads()
    model = load_silero_vad()
    torch.set_num_threads(threads)
    return model


@pytest.mark.filterwarnings("ignore:.torch.jit.load:DeprecationWarning")
def test_probabilities_are_the_packages_own(package: Any) -> None:
    samples = np.concatenate([speech(), speech(pause_s=0.3)])
    made = SpeechMeter().measure(samples)
    expected = package.audio_forward(torch.from_numpy(samples), 16000)[0].numpy()
    assert np.abs(made - expected).max() < 1e-4
    assert made.min() < 0.05
    assert made.max() > 0.95


def test_stream_in_pieces_gives_the_same() -> None:
    piece = 3 * WINDOW
    samples = speech()
    meter = SpeechMeter()
    parts = [meter.measure(samples[at : at + piece]) for at in range(0, len(samples), piece)]
    assert np.allclose(np.concatenate(parts), SpeechMeter().measure(samples), atol=1e-5)


def test_long_recording_is_measured_in_blocks_alike() -> None:
    samples = np.tile(speech(), 6)
    made = SpeechMeter().measure(samples)
    meter = SpeechMeter()
    one_by_one = [meter.measure(samples[at : at + WINDOW]) for at in range(0, len(samples), WINDOW)]
    assert np.allclose(made, np.concatenate(one_by_one), atol=1e-5)


def test_tone_and_noise_are_no_speech() -> None:
    noise = np.random.default_rng(0).standard_normal(32000).astype(np.float32)
    for samples in (np.zeros(32000, np.float32), noise * 0.01, noise * 0.3, tone(2.0)):
        assert SpeechMeter().measure(samples).max() < 0.5


def test_quiet_speech_is_speech() -> None:
    assert SpeechMeter().measure(speech() * np.float32(0.02)).max() > 0.9


@pytest.mark.parametrize(("count", "windows"), [(0, 0), (1, 1), (512, 1), (513, 2)])
def test_every_begun_window_has_a_probability(count: int, windows: int) -> None:
    assert len(SpeechMeter().measure(np.zeros(count, np.float32))) == windows
