"""VITS and MMS-TTS: from text to sound in one model, from the files of the public repositories.

Source: Kim et al. 2021, VITS; Pratap et al. 2023, MMS; transformers' VitsModel.
"""

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import torch
from transformers import VitsModel

from audio_svc.speech.base import SpeechPiece, SpeechTraits, Utterance
from audio_svc.speech.hifigan_packing import shares_passes
from audio_svc.speech.hifigan_tiles import generate, generate_together, put_channels_innermost
from audio_svc.speech.vits_decode import Noise, Reading, read_latents
from audio_svc.speech.vits_files import language_of, name_voices, read_tokenizer
from audio_svc.speech.vits_text import VitsText
from audio_svc.speech.word_times import time_words
from audio_svc.weights import fuse_weight_norm, storage_bytes
from fleetserve.replica.stepwise import run_to_end

MAX_CHARS = 400
MAX_SECONDS = 120.0  # Of one utterance: a broken checkpoint must not take all memory.
WARM_UP_TEXT = "ready"
Places = Sequence[int | None]


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
        for _ in self._decode(tokens, self._names[0], seed=0):
            pass

    def synthesize(self, utterance: Utterance) -> Iterator[SpeechPiece | None]:
        ids, places = self._tokenize(utterance)
        reading = yield from self._decode(ids, utterance.voice, utterance.seed)
        yield self._piece(utterance, places, reading)

    def _decode(
        self, ids: torch.Tensor, voice: str, seed: int | None
    ) -> Generator[None, None, Reading]:
        """Yields after each stage; with its samples."""
        reading = yield from self._read(ids, voice, seed)
        yield
        reading.samples = yield from generate(self._model.decoder, reading.latents, reading.voice)
        return reading

    def _read(
        self, ids: torch.Tensor, voice: str, seed: int | None
    ) -> Generator[None, None, Reading]:
        noise = Noise(self._device, seed)
        return read_latents(self._model, ids, self._speakers[voice], noise, self._max_frames)

    def _tokenize(self, utterance: Utterance) -> tuple[torch.Tensor, Places]:
        """int64 [1, tokens], and which word each token is of."""
        tokens = self._text.read(utterance.text)
        return torch.tensor([tokens.ids], device=self._device), tokens.places

    def _piece(self, utterance: Utterance, places: Places, reading: Reading) -> SpeechPiece:
        assert reading.samples is not None, "only one that has ended is finished"
        words = time_words(utterance.text, places, reading.frames, self._frame_s)
        return SpeechPiece(reading.samples.cpu().numpy(), complete=reading.whole, words=words)


@dataclass(slots=True)
class OpenVits:
    """An utterance of those that share passes."""

    utterance: Utterance
    places: Places
    reading: Reading

    @property
    def ended(self) -> bool:
        return self.reading.samples is not None


class SharedVits(VitsEngine):
    """The same, where utterances that wait for the vocoder take one pass of it together.

    Text, durations and flow are each utterance's own: on a CPU thread 6 % of the time.
    """

    def open(self, utterance: Utterance) -> OpenVits:
        """Up to the vocoder. Raises: InvalidFieldError: as synthesize."""
        ids, places = self._tokenize(utterance)
        reading = run_to_end(self._read(ids, utterance.voice, utterance.seed))
        return OpenVits(utterance, places, reading)

    def advance(self, opened: Sequence[OpenVits]) -> None:
        latents = [one.reading.latents for one in opened]
        voices = [one.reading.voice for one in opened]
        made = generate_together(self._model.decoder, latents, voices)
        for one, samples in zip(opened, made, strict=True):
            one.reading.samples = samples

    def finish(self, opened: OpenVits) -> SpeechPiece:
        return self._piece(opened.utterance, opened.places, opened.reading)


def load_vits(folder: Path, device: str) -> VitsEngine:
    """The one that is faster on the device."""
    kind = SharedVits if shares_passes(torch.device(device)) else VitsEngine
    return kind(folder, device)


def _load(folder: Path, device: torch.device) -> Any:
    """From safetensors where the repository has them, else its .bin with weights_only."""
    model: Any = VitsModel.from_pretrained(
        folder, local_files_only=True, dtype=torch.float32, trust_remote_code=False
    )
    del model.posterior_encoder  # Only training needs it, and it is a fifth of the weights.
    fuse_weight_norm(model)
    put_channels_innermost(model.decoder)
    return model.eval().to(device)
