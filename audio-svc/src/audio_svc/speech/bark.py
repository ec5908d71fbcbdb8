"""Bark: speech by three language models and EnCodec, from the files of suno's repositories.

Source: suno-ai/bark; transformers' BarkModel.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from transformers import AutoTokenizer, BarkModel

from audio_svc.speech.bark_decode import BarkDecoder, BarkStages
from audio_svc.speech.bark_files import (
    order_voices,
    read_preset,
    read_preset_paths,
    voices_by_language,
)
from audio_svc.speech.bark_sampling import Sampler
from audio_svc.speech.base import SpeechPiece, SpeechTraits, Utterance
from audio_svc.weights import fuse_weight_norm, storage_bytes
from fleetserve.errors import InvalidFieldError

# Semantic tokens end after 15 s, which this many characters don't fill.
MAX_CHARS = 180


class BarkEngine:
    """Speaks the languages of its presets, in their voices.

    Args:
        folder: The model's files, with the presets as published.
        device: A torch device.
    """

    def __init__(self, folder: Path, device: str) -> None:
        self._device = torch.device(device)
        self._tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        self._model = _load(folder, self._device)
        self._stages = BarkStages.of(self._model)
        self._presets = read_preset_paths(folder)
        self._names = order_voices(set(self._presets))
        by_language = voices_by_language(self._names)
        self._traits = SpeechTraits(
            family="bark",
            sample_rate_hz=self._model.generation_config.sample_rate,
            languages=tuple(by_language),
            max_chars=MAX_CHARS,
            default_voice=self._names[0],
            device=str(self._device),
            language_voices=by_language,
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
        """A few tokens: a whole utterance takes a minute on a CPU."""
        utterance = Utterance("Ready.", self._traits.default_voice, seed=0)
        for step, _piece in enumerate(self.synthesize(utterance)):
            if step == 2:
                return

    def synthesize(self, utterance: Utterance) -> Iterator[SpeechPiece | None]:
        ids = self._tokenize(utterance.text)
        sampler = Sampler(self._device, utterance.seed)
        voice = self._voice_of(utterance.voice)
        decoder = BarkDecoder(self._model, self._stages, voice, sampler)
        samples, ended = yield from decoder.decode(ids)
        yield SpeechPiece(samples.clamp(-1, 1).cpu().numpy(), complete=ended)

    def _tokenize(self, text: str) -> torch.Tensor:
        """int64 [1, tokens]. Raises: InvalidFieldError: more than the model reads."""
        ids = self._tokenizer(text, add_special_tokens=False).input_ids
        most = self._stages.semantic.max_input_semantic_length
        if len(ids) > most:
            raise InvalidFieldError(
                "inputs", f"a passage of it becomes {len(ids)} tokens, the model takes {most}"
            )
        return torch.tensor([ids], dtype=torch.int64, device=self._device)

    def _voice_of(self, name: str) -> dict[str, torch.Tensor]:
        preset = read_preset(self._presets[name])
        return {part: torch.from_numpy(array).to(self._device) for part, array in preset.items()}


def _load(folder: Path, device: torch.device) -> Any:
    """From safetensors where the repository has them, else its .bin with weights_only."""
    model: Any = BarkModel.from_pretrained(
        folder, local_files_only=True, dtype=torch.float32, trust_remote_code=False
    )
    fuse_weight_norm(model)
    return model.eval().to(device)
