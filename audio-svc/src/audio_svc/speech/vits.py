"""VITS and MMS-TTS: from text to sound in one model, from the files of the public repositories.

Source: Kim et al. 2021, VITS; Pratap et al. 2023, MMS; transformers' VitsModel.
"""

from collections.abc import Iterator
from math import prod
from pathlib import Path
from typing import Any

import torch
from transformers import VitsModel

from audio_svc.speech.base import SpeechPiece, SpeechTraits, Utterance
from audio_svc.speech.hifigan_tiles import put_channels_innermost
from audio_svc.speech.vits_decode import Noise, decode_waveform
from audio_svc.speech.vits_files import language_of, name_voices, read_tokenizer
from audio_svc.speech.vits_text import VitsText
from audio_svc.speech.word_times import time_words
from audio_svc.weights import fuse_weight_norm, storage_bytes

MAX_CHARS = 400
MAX_SECONDS = 120.0  # Of one utterance: a broken checkpoint must not take all memory.
WARM_UP_TEXT = "ready"


class VitsEngine:
    """Speaks the language of its checkpoint, in its voice or its numbered voices.

    Args:
        folder: The model's files.
        device: A torch device.
    """

    def __init__(self, folder: Path, device: str) -> None:
        self._device = torch.device(device)
        self._text = VitsText(folder)
        self._model = _load(folder, self._device)
        config = self._model.config
        several = config.num_speakers > 1
        self._names = name_voices(config.num_speakers if several else 0)
        self._speakers = {name: row if several else None for row, name in enumerate(self._names)}
        self._frame_s = prod(config.upsample_rates) / config.sampling_rate
        self._max_frames = int(MAX_SECONDS / self._frame_s)
        self._traits = SpeechTraits(
            family="vits",
            sample_rate_hz=config.sampling_rate,
            languages=(language_of(read_tokenizer(folder)),),
            max_chars=MAX_CHARS,
            default_voice=self._names[0],
            device=str(self._device),
        )

    @property
    def traits(self) -> SpeechTraits:
        return self._traits

    @property
    def storage_bytes(self) -> int:
        """Bytes of the weights, each storage counted once."""
        return storage_bytes(self._model)

    def voices(self) -> tuple[str, ...]:
        return self._names

    def warm_up(self) -> None:
        """Runs the model once on as many tokens as a word has."""
        tokens = torch.ones(1, len(WARM_UP_TEXT), dtype=torch.int64, device=self._device)
        speaker = self._speakers[self._names[0]]
        noise = Noise(self._device, 0)
        for _ in decode_waveform(self._model, tokens, speaker, noise, self._max_frames):
            pass

    def synthesize(self, utterance: Utterance) -> Iterator[SpeechPiece | None]:
        tokens = self._text.read(utterance.text)
        ids = torch.tensor([tokens.ids], device=self._device)
        noise = Noise(self._device, utterance.seed)
        speaker = self._speakers[utterance.voice]
        decoding = decode_waveform(self._model, ids, speaker, noise, self._max_frames)
        made = yield from decoding
        words = time_words(utterance.text, tokens.places, made.frames, self._frame_s)
        yield SpeechPiece(made.samples.cpu().numpy(), complete=made.whole, words=words)


def _load(folder: Path, device: torch.device) -> Any:
    """From safetensors where the repository has them, else its .bin with weights_only."""
    model: Any = VitsModel.from_pretrained(
        folder, local_files_only=True, dtype=torch.float32, trust_remote_code=False
    )
    del model.posterior_encoder  # Only training needs it, and it is a fifth of the weights.
    fuse_weight_norm(model)
    put_channels_innermost(model.decoder)
    return model.eval().to(device)
