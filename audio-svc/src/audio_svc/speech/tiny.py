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
from audio_svc.speech.pronouncing import Pronouncer
from audio_svc.speech.tiny_files import VOICE_FILE, read_voice_config
from audio_svc.speech.tiny_net import Voice, VoiceShape, split
from audio_svc.speech.tiny_sound import MEL, make_sound
from audio_svc.speech.tiny_text import MarkedSound
from audio_svc.speech.word_times import time_words
from audio_svc.weights import storage_bytes

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
        self._voice = Voice(VoiceShape(**config.shape)).eval()
        self._voice.load_state_dict(_read(folder / VOICE_FILE))
        self._pronouncer = Pronouncer(folder)
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
        return storage_bytes(self._voice, self._pronouncer.module)

    def voices(self) -> tuple[str, ...]:
        return self._names

    def warm_up(self) -> None:
        """Speaks once."""
        for _piece in self.synthesize(Utterance("Ready.", self._names[0], seed=0)):
            pass

    def synthesize(self, utterance: Utterance) -> Iterator[SpeechPiece | None]:
        yield None
        with torch.inference_mode():
            sounds = self._pronouncer.say(utterance.text)
            encoded, lengths = self._read(sounds, self._speaker(utterance))
            drawn = split(self._voice.draw(encoded, lengths))
        yield None
        seed = utterance.seed
        samples = make_sound(
            drawn.bands.numpy(),
            drawn.pitch.exp().numpy(),
            drawn.voicing.sigmoid().numpy(),
            int(np.random.default_rng().integers(1 << 31)) if seed is None else seed,
        )
        places = [sound.place for sound in sounds]
        words = time_words(utterance.text, places, lengths.tolist(), MEL.hop / MEL.rate_hz)
        yield SpeechPiece(_in_range(samples * np.float32(LOUDNESS)), words=words)

    def _read(self, sounds: list[MarkedSound], speaker: Tensor) -> tuple[Tensor, Tensor]:
        """Encoded [n, width], and the frames of each sound [n]."""
        phonemes = torch.tensor([[self._phonemes[sound.name] for sound in sounds]])
        marks = torch.tensor([[sound.mark for sound in sounds]])
        encoded, told = self._voice.read(phonemes, marks, speaker)
        return encoded[0], told[0].exp().round().clamp(1, LONGEST_SOUND).long()

    def _speaker(self, utterance: Utterance) -> Tensor:
        """[1, width]."""
        voices = self._voice.speaker.weight
        if utterance.embedding is not None:
            return torch.from_numpy(utterance.embedding)[None] @ voices
        place = self._names.index(utterance.voice)
        return voices[place : place + 1]


def _read(file: Path) -> dict[str, Tensor]:
    return {name: value.float() for name, value in load_file(file).items()}


def _in_range(samples: Samples) -> Samples:
    peak = float(np.abs(samples).max(initial=0.0))
    return samples if peak <= PEAK else samples * np.float32(PEAK / peak)
