"""Tacotron2 with a HiFi-GAN, from the files that SpeechBrain and NVIDIA publish."""

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch

from audio_svc.speech.base import SpeechPiece, SpeechTraits, SpokenWord, Utterance
from audio_svc.speech.hifigan import HifiGan
from audio_svc.speech.tacotron2_alignment import follow_text
from audio_svc.speech.tacotron2_files import (
    LANGUAGES,
    VOICE,
    generator_of,
    number_in,
    read_hyperparameters,
    weights_of,
)
from audio_svc.speech.tacotron2_model import Reading
from audio_svc.speech.tacotron2_text import text_to_ids, word_places
from audio_svc.speech.tacotron2_weights import load_tacotron2
from audio_svc.speech.word_times import time_words
from audio_svc.weights import storage_bytes
from fleetserve.errors import ConflictError, InvalidFieldError
from fleetserve.manifest import VOCODER_FOLDER

# Its attention loses itself in long texts, and 1000 frames are 11.6 s.
MAX_CHARS = 150
WARM_UP_TEXT = "Ready."
# What all published checkpoints were made with, where no file says otherwise.
SAMPLE_RATE_HZ, MAX_FRAMES, GATE = 22050, 1000, 0.5


@dataclass(frozen=True, slots=True)
class _Decoded:
    """A text as frames.

    Attributes:
        spectrogram: float32 [1, mel bins, frames].
        attention: float32 [frames, tokens].
        ended: By the gate, not by the bound.
    """

    spectrogram: torch.Tensor
    attention: torch.Tensor
    ended: bool


class Tacotron2Engine:
    """Speaks English in the one voice of its checkpoint.

    Args:
        folder: The model's files; the vocoder's stand in vocoder/.
        device: A torch device.

    Raises: ConflictError: files are missing or hold something else.
    """

    def __init__(self, folder: Path, device: str) -> None:
        self._device = torch.device(device)
        weights, generator = weights_of(folder), generator_of(folder / VOCODER_FOLDER)
        if weights is None or generator is None:
            raise ConflictError("its weights or its vocoder's are missing; download it again.")
        told = read_hyperparameters(folder)
        rate_hz = int(number_in(told, "sample_rate", SAMPLE_RATE_HZ))
        self._max_frames = int(number_in(told, "max_decoder_steps", MAX_FRAMES))
        self._gate = number_in(told, "gate_threshold", GATE)
        self._model = load_tacotron2(weights).to(self._device)
        self._vocoder = HifiGan(generator, rate_hz)
        self._vocoder.module.to(self._device)
        self._traits = SpeechTraits(
            family="tacotron2",
            sample_rate_hz=rate_hz,
            languages=LANGUAGES,
            max_chars=MAX_CHARS,
            default_voice=VOICE,
            device=str(self._device),
        )

    @property
    def traits(self) -> SpeechTraits:
        return self._traits

    @property
    def storage_bytes(self) -> int:
        """Bytes of the weights, each storage counted once."""
        return storage_bytes(self._model, self._vocoder.module)

    def voices(self) -> tuple[str, ...]:
        return (VOICE,)

    def warm_up(self) -> None:
        """Speaks once."""
        for _piece in self.synthesize(Utterance(WARM_UP_TEXT, VOICE, seed=0)):
            pass

    def synthesize(self, utterance: Utterance) -> Iterator[SpeechPiece | None]:
        ids = self._tokenize(utterance.text)
        generator = torch.Generator(self._device)
        if utterance.seed is None:
            generator.seed()
        else:
            generator.manual_seed(utterance.seed)
        made = yield from self._decode(ids, generator)
        with torch.inference_mode():
            spectrogram = made.spectrogram
            samples = self._vocoder.vocode(spectrogram + self._model.postnet(spectrogram))
        words = self._time_words(utterance.text, made.attention)
        yield SpeechPiece(samples.cpu().numpy(), complete=made.ended, words=words)

    def _time_words(self, text: str, attention: torch.Tensor) -> tuple[SpokenWord, ...]:
        rate_hz, vocoder = self._traits.sample_rate_hz, self._vocoder
        frames = follow_text(attention.cpu().numpy())
        start_s = vocoder.lead / rate_hz
        return time_words(text, word_places(text), frames, vocoder.hop / rate_hz, start_s)

    def _decode(
        self, ids: torch.Tensor, generator: torch.Generator
    ) -> Generator[None, None, _Decoded]:
        """Yields after each frame."""
        with torch.inference_mode():
            reading = Reading(self._model, ids, generator)
        frames: list[torch.Tensor] = []
        attention: list[torch.Tensor] = []
        last = 0.0
        while last <= self._gate and len(frames) < self._max_frames:
            with torch.inference_mode():
                frame, last = reading.next_frame()
            frames.append(frame)
            attention.append(reading.attention)
            yield
        return _Decoded(torch.stack(frames, dim=2), torch.cat(attention), last > self._gate)

    def _tokenize(self, text: str) -> torch.Tensor:
        """int64 [1, tokens]. Raises: InvalidFieldError: nothing of it can be read."""
        ids = text_to_ids(text)
        if not ids:
            raise InvalidFieldError(
                "inputs", f"no character of {text[:60]!r} can be read; write it in English words"
            )
        return torch.tensor([ids], device=self._device)
