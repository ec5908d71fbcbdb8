"""SpeechT5 with its HiFi-GAN vocoder, from the files of the public repositories.

Source: Ao et al. 2022, SpeechT5; transformers' SpeechT5ForTextToSpeech.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import SpeechT5ForTextToSpeech, SpeechT5HifiGan, SpeechT5Tokenizer

from audio_svc.speech.base import Samples, SpeechPiece, SpeechTraits, Utterance
from audio_svc.speech.hifigan_tiles import put_channels_innermost, vocode
from audio_svc.speech.speecht5_decode import PrenetTail, find_tail_rows
from audio_svc.speech.speecht5_files import (
    DEFAULT_VOICE,
    LANGUAGES,
    NEUTRAL_VOICE,
    VOICES_FOLDER,
    order_voices,
)
from audio_svc.speech.speecht5_steps import Reading, advance
from audio_svc.speech.xvectors import read_voices
from audio_svc.weights import storage_bytes
from fleetserve.errors import InvalidFieldError
from fleetserve.manifest import VOCODER_FOLDER

MAX_CHARS = 400
WARM_UP_TEXT = "Ready."
NO_DEFAULT_VOICE = (
    "The default voice was not fetched with this model, so it speaks as 'neutral', a fixed "
    "vector that is nobody's voice. Downloading the model again fetches the default voice."
)


class SpeechT5Engine:
    """Speaks English in any voice given as an x-vector of 512 floats.

    Args:
        folder: The model's files; the vocoder's stand in vocoder/, voices in voices/*.npy.
        device: A torch device.
    """

    def __init__(self, folder: Path, device: str) -> None:
        self._device = torch.device(device)
        self._tokenizer = SpeechT5Tokenizer.from_pretrained(folder, local_files_only=True)
        self._model = _load(SpeechT5ForTextToSpeech, folder, self._device)
        self._vocoder = _load(SpeechT5HifiGan, folder / VOCODER_FOLDER, self._device)
        put_channels_innermost(self._vocoder)
        size = self._model.config.speaker_embedding_dim
        self._voices = read_voices(folder / VOICES_FOLDER, size)
        self._voices[NEUTRAL_VOICE] = np.zeros(size, np.float32)
        self._names = order_voices(set(self._voices))
        has_default = self._names[0] == DEFAULT_VOICE
        self._traits = SpeechTraits(
            family="speecht5",
            sample_rate_hz=self._vocoder.config.sampling_rate,
            languages=LANGUAGES,
            max_chars=min(MAX_CHARS, self._model.config.max_text_positions - 2),
            default_voice=self._names[0],
            device=str(self._device),
            embedding_size=size,
            default_voice_warning="" if has_default else NO_DEFAULT_VOICE,
        )
        self._tail_rows: int | None = None

    @property
    def traits(self) -> SpeechTraits:
        return self._traits

    @property
    def storage_bytes(self) -> int:
        """Bytes of the weights, each storage counted once."""
        return storage_bytes(self._model, self._vocoder)

    def voices(self) -> tuple[str, ...]:
        return self._names

    def warm_up(self) -> None:
        """Speaks once, after finding out how few rows of the prenet are enough here."""
        with torch.inference_mode():
            prenet = self._model.speecht5.decoder.prenet
            self._tail_rows = find_tail_rows(prenet, self._model.config.num_mel_bins)
        utterance = Utterance(WARM_UP_TEXT, self._traits.default_voice, seed=0)
        for _piece in self.synthesize(utterance):
            pass

    def synthesize(self, utterance: Utterance) -> Iterator[SpeechPiece | None]:
        reading = self.open(utterance)
        while not reading.ended:
            self.advance([reading])
            yield None
        yield self.finish(reading)

    def open(self, utterance: Utterance) -> Reading:
        """Raises: InvalidFieldError: as synthesize."""
        voice = self._voice_of(utterance)
        ids = self._tokenize(utterance.text)
        # Only a seeded reading can be compared with the library's; others need the last row.
        rows = 1 if utterance.seed is None else self._tail_rows
        tail = PrenetTail(self._model.speecht5.decoder.prenet, voice, rows, utterance.seed)
        return Reading(self._model, ids, tail)

    def advance(self, readings: Sequence[Reading]) -> None:
        advance(self._model, readings)

    def finish(self, reading: Reading) -> SpeechPiece:
        with torch.inference_mode():
            samples: Samples = vocode(self._vocoder, reading.spectrogram()).cpu().numpy()
        return SpeechPiece(samples, complete=reading.stopped)

    def _tokenize(self, text: str) -> torch.Tensor:
        """int64 [1, tokens]. Raises: InvalidFieldError: more than the model has places for."""
        ids = self._tokenizer(text).input_ids
        most = self._model.config.max_text_positions
        if len(ids) > most:
            # Single characters can stand for whole words (ligatures, fractions).
            raise InvalidFieldError(
                "inputs", f"a passage of it becomes {len(ids)} tokens, the model takes {most}"
            )
        return torch.tensor([ids], device=self._device)

    def _voice_of(self, utterance: Utterance) -> torch.Tensor:
        vector = utterance.embedding
        if vector is None:
            vector = self._voices[utterance.voice]
        return torch.from_numpy(vector).unsqueeze(0).to(self._device)


def _load(family: Any, folder: Path, device: torch.device) -> Any:
    """From safetensors where the repository has them, else its .bin with weights_only."""
    model = family.from_pretrained(
        folder, local_files_only=True, dtype=torch.float32, trust_remote_code=False
    )
    return model.eval().to(device)
