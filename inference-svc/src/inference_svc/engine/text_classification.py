"""text-classification: a text, or a pair of texts, to labels with scores."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from transformers import AutoModelForSequenceClassification

from inference_svc.engine.base import EngineInfo, InputKind, Prepared, Steps, finish
from inference_svc.engine.labels import (
    FUNCTIONS,
    LABELS,
    Floats,
    apply,
    best_labels,
    default_function,
)
from inference_svc.engine.parameters import Parameters
from inference_svc.engine.text_encoding import TokenRow
from inference_svc.engine.text_model import TextModel
from inference_svc.engine.tunable import TunableText


@dataclass(frozen=True, slots=True)
class Options:
    """``top_k`` None: all labels."""

    top_k: int | None
    function: str


class TextClassificationEngine(TunableText):
    """``[{label, score}]`` per text, the best first.

    Source: transformers' text-classification pipeline with top_k.
    """

    def __init__(self, folder: Path, device: str) -> None:
        self.info = EngineInfo(
            InputKind.PAIR, rank=0, device=device, dtype="float32", outputs=LABELS
        )
        self._model = TextModel(AutoModelForSequenceClassification, folder, device)

    def load(self) -> int:
        size = self._model.load()
        self._function = default_function(self._model.config)
        return size

    def warm_up(self) -> None:
        row = self.prepare("A short sentence.", self.read_parameters({}))
        for size in (1, 8):
            finish(self.predict_batch([row] * size))

    def read_parameters(self, parameters: Mapping[str, object]) -> Options:
        given = Parameters(parameters, ("top_k", "function_to_apply"))
        return Options(
            given.count("top_k", 1, most=max(1, self._model.config.num_labels)),
            given.choice("function_to_apply", self._function, FUNCTIONS),
        )

    def prepare(self, value: Any, options: Any) -> Prepared:
        text, pair = (
            (value, None) if isinstance(value, str) else (value["text"], value["text_pair"])
        )
        row = self._model.encoder.encode(text, pair)
        return Prepared((row, options), len(row.ids), warning=row.warning)

    def predict_batch(self, batch: Sequence[Prepared]) -> Steps:
        logits = yield from self._model.run([one.payload[0] for one in batch], read_logits)
        names = self._model.config.id2label
        return [
            best_labels(apply(one.payload[1].function, row), names, one.payload[1].top_k)
            for one, row in zip(batch, logits, strict=True)
        ]

    def unload(self) -> None:
        self._model.unload()


def read_logits(outputs: Any, rows: Sequence[TokenRow]) -> list[Floats]:
    """The logits of each row as they are: float32 [labels]."""
    del rows
    return list(outputs.logits.float().cpu().numpy())
