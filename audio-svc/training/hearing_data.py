"""Utterances for the ear: what was said, and its log-mel frames."""

import multiprocessing
import random
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import resample_poly

from audio_svc.audio.log_mel import MelSettings, log_mel
from audio_svc.transcription.tiny_net import FRAMES_PER_STEP, LETTERS_PER_STEP, letter_steps
from training.espeak import PAUSE, RATE_HZ, Espeak, Spoken
from training.sentences import everyday_sentence, wide_sentence
from training.voices import UNSEEN, any_manner

MEL = MelSettings()
STEP_S = MEL.hop / MEL.rate_hz * FRAMES_PER_STEP / LETTERS_PER_STEP
EVERYDAY_SHARE = 0.45
NOISY_SHARE = 0.6
PART = 500


@dataclass(frozen=True, slots=True)
class Heard:
    """One utterance; ``phonemes`` are those of each letter step, for a second lesson."""

    text: str
    frames: NDArray[np.float16]
    phonemes: tuple[str, ...]


def training_set(count: int, seed: int, processes: int = 1) -> Iterator[Heard]:
    """Both kinds of sentences in the voices to learn from, the size of the speaker varied.

    However many processes share the work, what they make is the same.
    """
    starts = range(0, count, PART)
    sizes = [min(PART, count - start) for start in starts]
    # A fork would take along torch's threads.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, context) as pool:
        for made in pool.map(_part, (f"{seed} {start // PART}" for start in starts), sizes):
            yield from made


def _part(seed: str, size: int) -> list[Heard]:
    return list(_utterances(seed, size))


def _utterances(seed: str, count: int) -> Iterator[Heard]:
    dice, espeak = random.Random(seed), Espeak()
    for _ in range(count):
        everyday = dice.random() < EVERYDAY_SHARE
        text = everyday_sentence(dice) if everyday else wide_sentence(dice)
        spoken = espeak.say(text, any_manner(dice))
        faster = dice.uniform(0.9, 1.12)
        frames = log_mel(disturbed(at_16_khz(spoken.samples, faster), dice), MEL)
        yield Heard(text, frames.astype(np.float16), _phonemes(spoken, faster, len(frames)))


def _phonemes(spoken: Spoken, faster: float, frames: int) -> tuple[str, ...]:
    """The one that is heard in the middle of each letter step."""
    starts = [at / RATE_HZ / faster for _, at in spoken.phonemes]
    middles_s = (np.arange(letter_steps(frames)) + 0.5) * STEP_S
    places = np.searchsorted(starts, middles_s, "right") - 1
    return tuple(spoken.phonemes[place][0] if place >= 0 else PAUSE for place in places)


def unseen_set(kind: str, count: int, seed: int = 977) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """Text and samples in unseen voices; kind: everyday, wide or held_out."""
    dice, espeak = random.Random(seed), Espeak()
    for _ in range(count):
        if kind == "everyday":
            text = everyday_sentence(dice)
        else:
            text = wide_sentence(dice, held_out=kind == "held_out")
        yield text, at_16_khz(espeak.say(text, any_manner(dice, UNSEEN)).samples)


def at_16_khz(samples: NDArray[np.float32], faster: float = 1.0) -> NDArray[np.float32]:
    """Resampled; ``faster`` raises pitch and formants together, as a smaller speaker has them."""
    down = round(RATE_HZ * faster / 50)
    resampled: NDArray[np.float32] = resample_poly(samples, MEL.rate_hz // 50, down)
    return resampled.astype(np.float32)


def disturbed(samples: NDArray[np.float32], dice: random.Random) -> NDArray[np.float32]:
    """At another loudness, and mostly with white or low noise, 8 to 40 dB below."""
    if dice.random() < NOISY_SHARE:
        noise = np.random.default_rng(dice.getrandbits(32)).standard_normal(len(samples))
        if dice.random() < 0.5:
            noise = np.convolve(noise, np.full(8, 0.35), "same")
        level = float(np.sqrt(np.mean(samples**2))) * 10 ** (-dice.uniform(8, 40) / 20)
        samples = samples + (noise * level).astype(np.float32)
    return samples * np.float32(10 ** dice.uniform(-1, 0.3))
