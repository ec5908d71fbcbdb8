"""fill-mask: what may stand where a text has the model's mask token."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from transformers import AutoModelForMaskedLM

from fleetserve.errors import InvalidFieldError
from inference_svc.engine.base import EngineInfo, InputKind, Prepared, Steps, finish
from inference_svc.engine.parameters import Parameters, wrong
from inference_svc.engine.text_encoding import TokenRow, load_tokenizer
from inference_svc.engine.text_model import TextModel
from inference_svc.engine.tunable import TunableModel

MAX_TOP_K = 1000
SAMPLE_WORDS = 4  # Before a gap at most, so that it is within what any model reads.
Probabilities = npt.NDArray[np.float32]


class NoMaskTokenError(Exception):
    """The tokenizer has no mask token."""


@dataclass(frozen=True, slots=True)
class Options:
    """``targets``: ids of the only tokens that are wanted; empty: any."""

    top_k: int
    targets: tuple[int, ...]


class FillMaskEngine(TunableModel[TextModel]):
    """``[{score, token, token_str, sequence}]`` per text, the best first.

    With several masks it is a list of those, one per mask.

    Source: transformers' fill-mask pipeline.
    """

    def __init__(self, folder: Path, device: str) -> None:
        self.info = EngineInfo(InputKind.TEXT, rank=0, device=device, dtype="float32")
        self._folder = folder
        self._model = TextModel(AutoModelForMaskedLM, folder, device)

    def load(self) -> int:
        size = self._model.load()
        self._tokenizer = load_tokenizer(self._folder)
        if self._tokenizer.mask_token_id is None:
            raise NoMaskTokenError("its tokenizer has no mask token, so nothing can be filled in")
        self._mask_id: int = self._tokenizer.mask_token_id
        self._vocabulary: dict[str, int] = self._tokenizer.get_vocab()
        return size

    def warm_up(self) -> None:
        row = self.prepare(f"A {self._tokenizer.mask_token} text.", Options(5, ()))
        for size in (1, 8):
            finish(self.predict_batch([row] * size))

    def read_parameters(self, parameters: Mapping[str, object]) -> Options:
        given = Parameters(parameters, ("top_k", "targets"))
        most = min(MAX_TOP_K, len(self._vocabulary))
        top_k = given.integer("top_k", min(5, most), least=1, most=most)
        targets = given.texts("targets")
        for target in targets:
            if target not in self._vocabulary:
                raise wrong("targets", f"{target!r} is not a single token of this model")
        return Options(top_k, tuple(dict.fromkeys(self._vocabulary[one] for one in targets)))

    def prepare(self, value: Any, options: Any) -> Prepared:
        row = self._model.encoder.encode(value)
        if self._mask_id not in row.ids:
            mask = self._tokenizer.mask_token
            told = "; it was beyond what the model reads" if row.cut and mask in value else ""
            raise InvalidFieldError("inputs", f"has no {mask} to fill in{told}")
        return Prepared((row, options), len(row.ids), warning=row.warning)

    def predict_batch(self, batch: Sequence[Prepared]) -> Steps:
        rows = [one.payload[0] for one in batch]
        found = yield from self._model.run(rows, self._read)
        return [
            self._answer(row, probabilities, one.payload[1])
            for one, row, probabilities in zip(batch, rows, found, strict=True)
        ]

    def samples(self, texts: Sequence[str]) -> Sequence[Prepared]:
        """Each text with one of its first words left out."""
        options = self.read_parameters({})
        return [self.prepare(self._gapped(text), options) for text in texts if text.strip()]

    def unload(self) -> None:
        self._model.unload()

    def _gapped(self, text: str) -> str:
        if self._tokenizer.mask_token in text:
            return text
        words = text.split()
        words[min(SAMPLE_WORDS, len(words) // 2)] = self._tokenizer.mask_token
        return " ".join(words)

    def _read(self, outputs: Any, rows: Sequence[TokenRow]) -> list[Probabilities]:
        """float32 [masks, vocabulary] of each row."""
        kept = []
        for place, row in enumerate(rows):
            masks = np.flatnonzero(row.ids == self._mask_id)
            logits = outputs.logits[place, masks]
            kept.append(logits.float().softmax(dim=-1).cpu().numpy())
        return kept

    def _answer(self, row: TokenRow, probabilities: Probabilities, options: Options) -> object:
        masks = np.flatnonzero(row.ids == self._mask_id)
        one = len(masks) == 1
        found = [
            [
                self._proposal(row, int(mask), token, float(scores[token]), skip=one)
                for token in _best(scores, options)
            ]
            for mask, scores in zip(masks, probabilities, strict=True)
        ]
        return found[0] if one else found

    def _proposal(
        self, row: TokenRow, mask: int, token: int, score: float, *, skip: bool
    ) -> dict[str, object]:
        """With several masks, ``sequence`` shows the others, so special tokens stay in it."""
        ids = row.ids.copy()
        ids[mask] = token
        return {
            "score": score,
            "token": token,
            "token_str": self._tokenizer.decode([token]),
            "sequence": self._tokenizer.decode(ids.tolist(), skip_special_tokens=skip),
        }


def _best(scores: Probabilities, options: Options) -> list[int]:
    if not options.targets:
        top = np.argpartition(-scores, options.top_k - 1)[: options.top_k]
        return [int(n) for n in top[np.argsort(-scores[top], kind="stable")]]
    return sorted(options.targets, key=lambda token: -scores[token])[: options.top_k]
