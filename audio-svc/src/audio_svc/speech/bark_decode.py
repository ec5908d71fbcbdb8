"""Bark's stages in steps: text to semantic tokens, to coarse and to fine codes, to sound.

The library's generate() runs all of it in one go, minutes on a CPU, and draws from the
process's generator. Here others compute after each token, and a seeded utterance draws exactly
what the library would draw after ``torch.manual_seed(seed)``. The tests compare both.

Source: suno-ai/bark; transformers' BarkModel.
"""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.nn.functional import pad, softmax
from transformers.generation.logits_process import (
    AlternatingCodebooksLogitsProcessor,
    BarkEosPrioritizerLogitsProcessor,
    SuppressTokensLogitsProcessor,
)
from transformers.models.bark.generation_configuration_bark import (
    BarkCoarseGenerationConfig,
    BarkFineGenerationConfig,
    BarkSemanticGenerationConfig,
)

from audio_svc.speech.bark_sampling import Reading, Sampler, make_processors
from fleetserve.errors import InvalidFieldError

Steps = Generator[None, None, torch.Tensor]


@dataclass(frozen=True, slots=True)
class BarkStages:
    """The three parts of generation_config.json."""

    semantic: Any
    coarse: Any
    fine: Any
    codebook_size: int

    @classmethod
    def of(cls, model: Any) -> "BarkStages":
        told = model.generation_config
        return cls(
            BarkSemanticGenerationConfig(**told.semantic_config),  # type: ignore[no-untyped-call]
            BarkCoarseGenerationConfig(**told.coarse_acoustics_config),
            BarkFineGenerationConfig(**told.fine_acoustics_config),  # type: ignore[no-untyped-call]
            told.codebook_size,
        )

    @property
    def coarse_per_semantic(self) -> float:
        """Coarse tokens for each semantic one; 3 but for rounding."""
        coarse = self.coarse
        rate: float = coarse.coarse_rate_hz / self.semantic.semantic_rate_hz
        return rate * int(coarse.n_coarse_codebooks)


class BarkDecoder:
    """One utterance on its way through the stages.

    Args:
        model: BarkModel in eval mode.
        stages: How each stage draws.
        voice: A preset: semantic_prompt int64 [n], coarse_prompt [2, n], fine_prompt [8, n].
        sampler: The utterance's.
    """

    def __init__(
        self, model: Any, stages: BarkStages, voice: dict[str, torch.Tensor], sampler: Sampler
    ) -> None:
        self._model = model
        self._stages = stages
        self._voice = voice
        self._sampler = sampler

    def decode(self, token_ids: torch.Tensor) -> Generator[None, None, tuple[torch.Tensor, bool]]:
        """float32 [samples], and whether the text's end was reached.

        Args:
            token_ids: int64 [1, tokens], without padding.
        """
        meaning, ended = yield from self._speak_meaning(token_ids)
        coarse = yield from self._speak_coarse(meaning)
        fine = yield from self._speak_fine(coarse)
        with torch.inference_mode():
            embedded = self._model.codec_model.quantizer.decode(fine.transpose(0, 1))
            samples: torch.Tensor = self._model.codec_model.decoder(embedded)[0, 0]
        return samples, ended

    def _speak_meaning(
        self, token_ids: torch.Tensor
    ) -> Generator[None, None, tuple[torch.Tensor, bool]]:
        """Semantic tokens, int64 [1, n], and whether the model itself ended them."""
        model, config = self._model.semantic, self._stages.semantic
        end, device = config.eos_token_id, str(token_ids.device)
        others = set(range(config.semantic_vocab_size, model.config.output_vocab_size)) - {end}
        processors = make_processors(
            config,
            [
                SuppressTokensLogitsProcessor(sorted(others), device=device),
                BarkEosPrioritizerLogitsProcessor(end, config.min_eos_p, device=device),
            ],
        )
        with torch.inference_mode():
            start = self._embed_text(token_ids)
        seen = token_ids.new_ones(1, start.shape[1])
        reading = Reading(model, {"inputs_embeds": start}, seen, processors)
        tokens: list[torch.Tensor] = []
        while len(tokens) < config.max_new_tokens:
            scores = reading.scores()
            token = self._sampler.choose(scores, sample=config.do_sample)
            if int(token) == end and not tokens:
                # Nothing at all is no speech, and the library fails on it.
                token = self._choose_another(scores, token)
            if int(token) == end:
                return torch.stack(tokens, dim=1), True
            tokens.append(token)
            reading.take(token)
            yield
        return torch.stack(tokens, dim=1), False

    def _choose_another(self, scores: torch.Tensor, token: torch.Tensor) -> torch.Tensor:
        rest = scores.index_fill(1, token, -torch.inf)
        if not torch.isfinite(rest).any():
            raise InvalidFieldError("inputs", "the model has nothing to say to a passage of it")
        return self._sampler.choose(rest, sample=self._stages.semantic.do_sample)

    def _embed_text(self, token_ids: torch.Tensor) -> torch.Tensor:
        """Text and the voice's meaning, one upon the other, and the token that asks for more."""
        config, embed = self._stages.semantic, self._model.semantic.input_embeds_layer
        length = config.max_input_semantic_length
        text = pad(
            token_ids + config.text_encoding_offset,
            (0, length - token_ids.shape[1]),
            value=config.text_pad_token,
        )
        past = self._voice["semantic_prompt"][-length:]
        past = pad(past, (0, length - len(past)), value=config.semantic_pad_token)
        ask = torch.tensor([[config.semantic_infer_token]], device=text.device)
        return torch.cat([embed(text) + embed(past[None]), embed(ask)], dim=1)

    def _speak_coarse(self, meaning: torch.Tensor) -> Steps:
        """Tokens of the first two codebooks in turn, int64 [1, 2 x frames], window by window."""
        stages, config, model = self._stages, self._stages.coarse, self._model.coarse_acoustics
        ratio, books = stages.coarse_per_semantic, config.n_coarse_codebooks
        wanted = round(int(meaning.shape[1] * ratio / books) * books)
        past_meaning, coarse = model.preprocess_histories(
            max_coarse_history=config.max_coarse_history,
            semantic_to_coarse_ratio=ratio,
            batch_size=1,
            semantic_generation_config=stages.semantic,
            codebook_size=stages.codebook_size,
            history_prompt=self._voice,
        )
        past: int = coarse.shape[1]
        meaning = torch.cat([past_meaning, meaning], dim=1)
        while (made := coarse.shape[1] - past) < wanted:
            place = past_meaning.shape[1] + round(made / ratio)
            start = self._coarse_window(meaning, place, coarse)
            alternating = AlternatingCodebooksLogitsProcessor(
                start.shape[1], stages.semantic.semantic_vocab_size, stages.codebook_size
            )
            processors = make_processors(config, [alternating])
            reading = Reading(model, {"input_ids": start}, start, processors)
            for _ in range(min(config.sliding_window_len, wanted - made)):
                token = self._sampler.choose(reading.scores(), sample=config.do_sample)
                coarse = torch.cat([coarse, token[:, None]], dim=1)
                reading.take(token)
                yield
        spoken: torch.Tensor = coarse[:, past:]
        return spoken

    def _coarse_window(
        self, meaning: torch.Tensor, place: int, coarse: torch.Tensor
    ) -> torch.Tensor:
        """The meaning around a place, the token that asks for more, what was spoken before."""
        config = self._stages.coarse
        length = config.max_coarse_input_length
        kept = int(np.floor(config.max_coarse_history / self._stages.coarse_per_semantic))
        window = meaning[:, max(0, place - kept) :][:, :length]
        window = pad(window, (0, length - window.shape[1]), value=config.coarse_semantic_pad_token)
        ask = window.new_tensor([[config.coarse_infer_token]])
        return torch.cat([window, ask, coarse[:, -config.max_coarse_history :]], dim=1)

    def _speak_fine(self, coarse: torch.Tensor) -> Steps:
        """The codes of all eight codebooks, int64 [1, 8, frames]."""
        config, blank = self._stages.fine, self._stages.codebook_size
        books = self._stages.coarse.n_coarse_codebooks
        codes = coarse.view(1, -1, books) - self._stages.semantic.semantic_vocab_size
        codes = torch.remainder(codes, blank)
        codes = pad(codes, (0, config.n_fine_codebooks - books), value=blank)
        past = self._voice["fine_prompt"].T[None, -config.max_fine_history_length :]
        codes = torch.cat([past, codes], dim=1)
        frames = codes.shape[1]
        window = config.max_fine_input_length
        codes = pad(codes, (0, 0, 0, max(0, window - frames)), value=blank)
        for start, first in self._fine_windows(past.shape[1], codes.shape[1], coarse.shape[1]):
            seen = codes[:, start : start + window]
            for book in range(books, config.n_fine_codebooks):
                with torch.inference_mode():
                    logits = self._model.fine_acoustics(book, seen).logits
                    seen[:, first:, book] = self._choose_codes(logits[:, :, :blank], first)
                yield
        return codes[:, past.shape[1] : frames].transpose(1, 2)

    def _fine_windows(self, past: int, length: int, coarse: int) -> list[tuple[int, int]]:
        """Where each window starts, and the first row in it that is to be filled."""
        config, books = self._stages.fine, self._stages.coarse.n_coarse_codebooks
        window, hop = config.max_fine_input_length, config.max_fine_history_length
        count = max(0, int(np.ceil((coarse // books - (window - past)) / hop))) + 1
        windows = []
        for number in range(count):
            start = min(number * hop, length - window)
            windows.append((start, min(past + number * hop, length - hop) - start))
        return windows

    def _choose_codes(self, logits: torch.Tensor, first: int) -> torch.Tensor:
        """int64 [1, rows from first on]."""
        temperature = self._stages.fine.temperature
        if temperature in (None, 1.0):
            return logits[:, first:].argmax(dim=-1)
        probabilities = softmax(logits / temperature, dim=-1)[:, first:]
        return self._sampler.draw(probabilities.reshape(-1, probabilities.shape[2]))[None]
