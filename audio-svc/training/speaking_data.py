"""Utterances for the voice: phonemes with their marks and lengths, frames, and pitch."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher

import numpy as np
from numpy.typing import NDArray

from audio_svc.audio.log_mel import Frames, log_mel
from audio_svc.speech.tiny_sound import MEL
from audio_svc.speech.tiny_text import ENDINGS, PAUSE, MarkedSound, read_sound
from training.espeak import RATE_HZ, Espeak, Manner, Spoken
from training.hearing_data import at_16_khz
from training.sentences import everyday_sentence, wide_sentence

VOICE = "en-us"
# Names of our own for what are variants of espeak-ng's American voice.
SPEAKERS = {
    "amber": Manner(f"{VOICE}+f2", 160, 50, 55),
    "basalt": Manner(f"{VOICE}+m3", 160, 45, 50),
    "coral": Manner(f"{VOICE}+f5", 165, 55, 60),
    "dune": Manner(f"{VOICE}+m7", 155, 40, 50),
}
LOW_HZ, HIGH_HZ = 60, 400
VOICED = 0.5


@dataclass(frozen=True, slots=True)
class Said:
    """Everything of one utterance; the last three are per frame.

    Attributes:
        lengths: Frames of each phoneme, at least one.
        bands: float32 [frames, bands].
        pitch: Natural logarithm of Hz, bridged where unvoiced.
        voicing: 0 or 1.
    """

    speaker: int
    sounds: tuple[MarkedSound, ...]
    lengths: NDArray[np.int64]
    bands: Frames
    pitch: NDArray[np.float32]
    voicing: NDArray[np.float32]


def training_set(count: int, seed: int) -> Iterator[Said]:
    dice, espeak = random.Random(seed), Espeak()
    manners = list(SPEAKERS.values())
    while count:
        speaker = dice.randrange(len(manners))
        said = say(espeak, any_text(dice), manners[speaker], speaker)
        if said is not None:
            count -= 1
            yield said


def any_text(dice: random.Random) -> str:
    """One clause or two, as a statement, a question or a call."""
    make = dice.choice((everyday_sentence, wide_sentence))
    text = make(dice)
    if dice.random() < 0.3:
        text += ", " + everyday_sentence(dice)
    return text + dice.choice("....?!")


def say(espeak: Espeak, text: str, manner: Manner, speaker: int) -> Said | None:
    """None: phonemes and pauses don't tell where the clauses end."""
    spoken = espeak.say(text, manner)
    sounds = _marked(spoken, espeak.spell(text, VOICE), text)
    if sounds is None:
        return None
    samples = at_16_khz(spoken.samples)
    bands = log_mel(samples, MEL)
    starts = [round(at / RATE_HZ * MEL.rate_hz / MEL.hop) for _, at in spoken.phonemes]
    # A phoneme shorter than a frame takes one from the next.
    edges = [0]
    for start in starts[1:]:
        edges.append(max(edges[-1] + 1, start))
    edges.append(max(edges[-1] + 1, len(bands)))
    bands = np.pad(bands, ((0, edges[-1] - len(bands)), (0, 0)), mode="edge")
    pitch, voicing = track_pitch(samples, len(bands))
    return Said(speaker, sounds, np.diff(edges), bands, pitch, voicing)


def track_pitch(
    samples: NDArray[np.float32], count: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Logarithm of the pitch and voicing [count], by normalised autocorrelation."""
    size = 1024
    padded = np.pad(samples, (size // 2, size // 2 + MEL.hop * count))
    cut = np.lib.stride_tricks.sliding_window_view(padded, size)[:: MEL.hop][:count]
    cut = cut * np.hanning(size).astype(np.float32)
    power = np.abs(np.fft.rfft(cut, 2 * size, axis=1)) ** 2
    likeness = np.fft.irfft(power, axis=1)[:, :size]
    window = np.abs(np.fft.rfft(np.hanning(size), 2 * size)) ** 2
    likeness /= np.maximum(np.fft.irfft(window)[:size] / np.fft.irfft(window)[0], 1e-3)
    low, high = MEL.rate_hz // HIGH_HZ, MEL.rate_hz // LOW_HZ
    # The slight slope prefers the first of the equal peaks at one, two, three periods.
    best = likeness[:, low:high] / np.maximum(likeness[:, :1], 1e-6)
    best = best - np.linspace(0, 0.1, high - low)
    lag, loudness = best.argmax(1) + low, np.sqrt(np.mean(cut**2, 1))
    voicing = (best.max(1) > VOICED) & (loudness > 0.02 * max(loudness.max(), 1e-6))
    pitch = np.log(MEL.rate_hz / lag)
    if voicing.any():
        places = np.arange(count)
        pitch = np.interp(places, places[voicing], pitch[voicing])
    return pitch.astype(np.float32), voicing.astype(np.float32)


def _marked(spoken: Spoken, spelled: list[list[str]], text: str) -> tuple[MarkedSound, ...] | None:
    """Names from the events, stress from the spelling, and what each pause stands for."""
    names = [name for name, _ in spoken.phonemes]
    told = [read_sound(sound) for word in spelled for sound in word]
    stress = [0] * len(names)
    matcher = SequenceMatcher(None, names, [sound.name for sound in told], autojunk=False)
    for mine, theirs, size in matcher.get_matching_blocks():
        for offset in range(size):
            stress[mine + offset] = told[theirs + offset].stress
    begins = set(spoken.words)
    sounds = [MarkedSound(name, stress[place], place in begins) for place, name in enumerate(names)]
    return _with_endings(sounds, [sign for sign in text if sign in ENDINGS])


def _with_endings(sounds: list[MarkedSound], signs: list[str]) -> tuple[MarkedSound, ...] | None:
    """Each pause named by the sign it stands for."""
    if sum(sound.name == PAUSE for sound in sounds) != len(signs):
        return None
    left = iter(signs)
    return tuple(
        MarkedSound(ENDINGS[next(left)], 0, begins=False) if sound.name == PAUSE else sound
        for sound in sounds
    )
