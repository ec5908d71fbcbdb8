"""``tiny_tts``: a small English voice of our own, trained on espeak-ng's speech.

audio-svc/training has how it was made.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor

from audio_svc.speech.base import Samples, SpeechPiece, SpeechTraits, Utterance
from audio_svc.speech.tiny_files import (
    SPELLER_FILE,
    TABLE_FILE,
    VOICE_FILE,
    read_table,
    read_voice_config,
)
from audio_svc.speech.tiny_net import LETTERS, Speller, Voice, VoiceShape, split
from audio_svc.speech.tiny_sound import MEL, make_sound
from audio_svc.speech.tiny_text import MarkedSound, sounds_of
from audio_svc.weights import storage_bytes
from fleetserve.errors import InvalidFieldError

MAX_CHARS = 250
LONGEST_SOUND = 80  # Frames; a second.
LOUDNESS = 0.7
PEAK = 0.98


class TinySpeech:
    """Speaks English in a few voices; ``embedding`` mixes them, a share of each.

    The seed decides the noise in it.

    Args:
        folder: The model's files.
        device: A torch device; the voice computes on the CPU whatever it is.
    """

    def __init__(self, folder: Path, device: str) -> None:
        del device
        config = read_voice_config(folder)
        self._names = config.voices
        self._phonemes = {name: place for place, name in enumerate(config.phonemes)}
        self._sounds = config.sounds
        self._table = read_table(folder / TABLE_FILE)
        self._voice = Voice(VoiceShape(**config.shape)).eval()
        self._voice.load_state_dict(_read(folder / VOICE_FILE))
        self._speller = Speller(len(config.sounds)).eval()
        self._speller.load_state_dict(_read(folder / SPELLER_FILE))
        self._traits = SpeechTraits(
            family="tiny_tts",
            sample_rate_hz=MEL.rate_hz,
            languages=config.languages,
            max_chars=MAX_CHARS,
            default_voice=config.voices[0],
            device="cpu",
            embedding_size=len(config.voices),
        )

    @property
    def traits(self) -> SpeechTraits:
        return self._traits

    @property
    def storage_bytes(self) -> int:
        """Bytes of the weights, each storage counted once."""
        return storage_bytes(self._voice, self._speller)

    def voices(self) -> tuple[str, ...]:
        return self._names

    def warm_up(self) -> None:
        """Speaks once."""
        for _piece in self.synthesize(Utterance("Ready.", self._names[0], seed=0)):
            pass

    def synthesize(self, utterance: Utterance) -> Iterator[SpeechPiece | None]:
        yield None
        with torch.inference_mode():
            sounds = self._sounds_of(utterance.text)
            drawn = split(self._draw(sounds, self._speaker(utterance)))
        yield None
        seed = utterance.seed
        samples = make_sound(
            drawn.bands.numpy(),
            drawn.pitch.exp().numpy(),
            drawn.voicing.sigmoid().numpy(),
            int(np.random.default_rng().integers(1 << 31)) if seed is None else seed,
        )
        yield SpeechPiece(_in_range(samples * np.float32(LOUDNESS)))

    def _sounds_of(self, text: str) -> list[MarkedSound]:
        """Raises: InvalidFieldError: there is nothing in it that can be said."""
        sounds = sounds_of(text, self._table, self._spell)
        if not sounds:
            raise InvalidFieldError(
                "inputs", f"this model says Latin letters and digits only: {text[:60]!r} has none"
            )
        return sounds

    def _draw(self, sounds: list[MarkedSound], speaker: Tensor) -> Tensor:
        phonemes = torch.tensor([[self._phonemes[sound.name] for sound in sounds]])
        marks = torch.tensor([[sound.mark for sound in sounds]])
        encoded, told = self._voice.read(phonemes, marks, speaker)
        lengths = told[0].exp().round().clamp(1, LONGEST_SOUND).long()
        return self._voice.draw(encoded[0], lengths)

    def _speaker(self, utterance: Utterance) -> Tensor:
        """[1, width]."""
        voices = self._voice.speaker.weight
        if utterance.embedding is not None:
            return torch.from_numpy(utterance.embedding)[None] @ voices
        place = self._names.index(utterance.voice)
        return voices[place : place + 1]

    def _spell(self, word: str) -> list[str]:
        """Sounds by the letters alone; empty where they tell none."""
        letters = torch.tensor([[LETTERS.index(letter) for letter in word]])
        likeliest = self._speller(letters)[0].argmax(-1).unique_consecutive()
        return [self._sounds[place] for place in likeliest.tolist() if place]


def _read(file: Path) -> dict[str, Tensor]:
    return {name: value.float() for name, value in load_file(file).items()}


def _in_range(samples: Samples) -> Samples:
    peak = float(np.abs(samples).max(initial=0.0))
    return samples if peak <= PEAK else samples * np.float32(PEAK / peak)
