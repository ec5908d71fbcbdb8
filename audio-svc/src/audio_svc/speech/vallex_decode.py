"""VALL-E X in steps: signs and a prompt to codes, a frame at a time, then codebook by codebook."""

from collections.abc import Generator, Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import pad, softmax

from audio_svc.speech.vallex_model import Cache, Table, Vallex

FRAMES_PER_SIGN = 16  # The most that the published code lets it speak.


@dataclass(frozen=True, slots=True)
class Prompt:
    """A few seconds of somebody's speech: whose voice it shall be.

    Attributes:
        codes: int64 [frames, codebooks].
        signs: What was said in it, int64 [n].
        language: The model's number of it.
    """

    codes: Tensor
    signs: Tensor
    language: int


@dataclass(frozen=True, slots=True)
class Line:
    """What is to be said: signs, int64 [n], in one language."""

    signs: Tensor
    language: int


class VallexDecoder:
    """One utterance on its way.

    Args:
        model: In eval mode.
        prompt: May be empty: then the model makes a voice up.
        generator: The utterance's own.
    """

    def __init__(
        self, model: Vallex, prompt: Prompt, line: Line, generator: torch.Generator
    ) -> None:
        self._model = model
        self._prompt = prompt
        self._generator = generator
        self._signs = torch.cat([prompt.signs, line.signs])[None]
        languages = [prompt.language] * len(prompt.signs) + [line.language] * len(line.signs)
        self._languages = torch.tensor([languages], device=self._signs.device)

    def decode(self) -> Generator[None, None, tuple[Tensor, bool]]:
        """int64 [frames, codebooks] without the prompt's, and whether the model ended them."""
        first, ended = yield from self._speak_first()
        codes = yield from self._fill_in(first)
        return codes, ended

    def _speak_first(self) -> Generator[None, None, tuple[Tensor, bool]]:
        """The first codebook, int64 [frames]. Yields after each frame."""
        model, end = self._model, self._model.shape.codes
        most = FRAMES_PER_SIGN * self._signs.shape[1]
        cache = Cache(model.shape.layers)
        logits = yield from self._begin(cache)
        place = 1 + len(self._prompt.codes)
        spoken: list[Tensor] = []
        while True:
            code = self._draw(logits)
            if int(code) == end and not spoken:
                # Nothing at all is no speech.
                code = self._draw(logits.index_fill(0, code, -torch.inf))
            if int(code) == end or len(spoken) == most:
                return torch.cat(spoken), int(code) == end
            spoken.append(code)
            yield
            with torch.inference_mode():
                heard = model.ar_audio_position(model.ar_audio_embedding(code[None]), place)
                logits = model.ar_predict_layer(model.ar_decoder(heard, cache)[0, -1])
            place += 1

    def _begin(self, cache: Cache) -> Generator[None, None, Tensor]:
        """Reads signs and prompt; the first frame's logits, float32 [codes + 1]."""
        model = self._model
        with torch.inference_mode():
            signs = self._read_signs(model.ar_text_embedding, model.ar_language_embedding)
            text = model.ar_text_position(signs)
            codes = pad(self._prompt.codes[:, 0], (1, 0), value=model.shape.codes + 1)[None]
            heard = model.ar_audio_position(model.ar_audio_embedding(codes))
            mask = _first_mask(text.shape[1], heard.shape[1], text.device)
            start = torch.cat([text, heard], dim=1)
        hidden = yield from model.ar_decoder.walk(start, mask=mask, cache=cache)
        with torch.inference_mode():
            logits: Tensor = model.ar_predict_layer(hidden[0, -1])
        return logits

    def _draw(self, logits: Tensor) -> Tensor:
        """int64 [1]."""
        return torch.multinomial(softmax(logits, dim=-1), 1, generator=self._generator)

    def _fill_in(self, first: Tensor) -> Generator[None, None, Tensor]:
        """The likeliest codes of every further codebook. Yields after each layer."""
        model, prompt = self._model, self._prompt.codes
        with torch.inference_mode():
            signs = self._read_signs(model.nar_text_embedding, model.nar_language_embedding)
            text = model.nar_text_position(signs)
            tables = model.nar_audio_embeddings
            past = sum(
                (tables[book](prompt[:, book]) for book in range(len(tables))), torch.tensor(0.0)
            )
            known = tables[0](first)
        codes = [first]
        stages: Iterable[tuple[Any, Any]] = zip(
            model.nar_stage_embeddings, model.nar_predict_layers, strict=True
        )
        for book, (stage, predict) in enumerate(stages, start=1):
            with torch.inference_mode():
                heard = model.nar_audio_position(torch.cat([past, known])[None])
                start = torch.cat([text, heard], dim=1)
            hidden = yield from model.nar_decoder.walk(start, stage=stage.weight)
            with torch.inference_mode():
                found = predict(hidden[0, -len(first) :]).argmax(dim=-1)
                known = known + tables[book](found)
            codes.append(found)
        return torch.stack(codes, dim=1)

    def _read_signs(self, signs: Table, languages: Table) -> Tensor:
        read: Tensor = signs(self._signs) + languages(self._languages)
        return read


def _first_mask(signs: int, frames: int, device: torch.device) -> Tensor:
    """True where it may look: signs at all signs, frames at those and at themselves and before."""
    mask = torch.ones(signs + frames, signs + frames, dtype=torch.bool, device=device).tril()
    mask[:signs, :signs] = True
    return mask
