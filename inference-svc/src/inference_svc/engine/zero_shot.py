"""zero-shot-classification: how well labels fit a text, by a model of natural inference."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from transformers import AutoModelForSequenceClassification

from fleetserve.errors import InvalidFieldError
from inference_svc.engine.base import EngineInfo, InputKind, Prepared, Steps, finish
from inference_svc.engine.labels import Floats, softmax
from inference_svc.engine.parameters import Parameters, wrong
from inference_svc.engine.text_classification import read_logits
from inference_svc.engine.text_encoding import TokenRow
from inference_svc.engine.text_model import TextModel
from inference_svc.engine.tunable import TunableModel

TEMPLATE = "This example is {}."
MAX_LABELS = 256
# What samples are sorted into: callers bring labels of their own.
SAMPLE_LABELS = ("politics", "science", "sport", "everyday life")


@dataclass(frozen=True, slots=True)
class Options:
    labels: tuple[str, ...]
    template: str
    multi_label: bool


@dataclass(frozen=True, slots=True)
class _Asked:
    sequence: str
    rows: tuple[TokenRow, ...]
    options: Options


class NoEntailmentError(Exception):
    """The model's labels don't say which of them is entailment."""


class ZeroShotEngine(TunableModel[TextModel]):
    """``{sequence, labels, scores}`` per text, the best label first.

    Each label makes a hypothesis; its score is that of entailment, among all labels, or with
    ``multi_label`` each by itself against contradiction.

    Source: Yin, Hay, Roth 2019; transformers' zero-shot-classification pipeline.
    """

    def __init__(self, folder: Path, device: str) -> None:
        self.info = EngineInfo(InputKind.TEXT, rank=0, device=device, dtype="float32")
        self._model = TextModel(
            AutoModelForSequenceClassification, folder, device, truncation="only_first"
        )

    def load(self) -> int:
        size = self._model.load()
        names = self._model.config.id2label
        found = [n for n, label in names.items() if label.lower().startswith("entail")]
        if not found:
            raise NoEntailmentError(
                f"none of its labels ({', '.join(list(names.values())[:5])}) is entailment: "
                "zero-shot classification needs a model of natural language inference"
            )
        self._entailment = int(found[0])
        self._contradiction = -1 if self._entailment == 0 else 0
        return size

    def warm_up(self) -> None:
        row = self.prepare("A short text.", Options(("news", "sport"), TEMPLATE, False))
        finish(self.predict_batch([row]))

    def read_parameters(self, parameters: Mapping[str, object]) -> Options:
        given = Parameters(parameters, ("candidate_labels", "hypothesis_template", "multi_label"))
        labels = given.texts("candidate_labels")
        if not labels:
            raise wrong("candidate_labels", 'is missing; such as ["news", "sport"]')
        if len(labels) > MAX_LABELS:
            raise wrong("candidate_labels", f"has {len(labels)} entries; at most {MAX_LABELS}")
        template = given.text("hypothesis_template", TEMPLATE)
        if template.count("{}") != 1:
            raise wrong("hypothesis_template", "needs one {} where the label goes")
        return Options(labels, template, given.flag("multi_label", default=False))

    def prepare(self, value: Any, options: Any) -> Prepared:
        if not value.strip():
            raise InvalidFieldError("inputs", "is empty; there is nothing to classify")
        before, _, after = options.template.partition("{}")
        encode = self._model.encoder.encode
        rows = tuple(encode(value, f"{before}{label}{after}") for label in options.labels)
        cut = max(rows, key=lambda row: row.cut)
        return Prepared(
            _Asked(value, rows, options), sum(len(row.ids) for row in rows), warning=cut.warning
        )

    def predict_batch(self, batch: Sequence[Prepared]) -> Steps:
        asked: list[_Asked] = [one.payload for one in batch]
        rows = [row for one in asked for row in one.rows]
        logits = iter((yield from self._model.run(rows, read_logits)))
        return [self._judge(one, np.stack([next(logits) for _ in one.rows])) for one in asked]

    def samples(self, texts: Sequence[str]) -> Sequence[Prepared]:
        """Every fourth has one label, so that the model is also seen with a single row."""
        several = Options(SAMPLE_LABELS, TEMPLATE, multi_label=False)
        single = Options(SAMPLE_LABELS[:1], TEMPLATE, multi_label=False)
        kept = [text for text in texts if text.strip()]
        return [self.prepare(text, several if n % 4 else single) for n, text in enumerate(kept)]

    def unload(self) -> None:
        self._model.unload()

    def _judge(self, asked: _Asked, logits: Floats) -> dict[str, object]:
        """Logits: float32 [candidate labels, labels of the model]."""
        if asked.options.multi_label or len(asked.rows) == 1:
            scores = softmax(logits[:, [self._contradiction, self._entailment]])[:, 1]
        else:
            scores = softmax(logits[:, self._entailment])
        order = np.argsort(-scores, kind="stable")
        return {
            "sequence": asked.sequence,
            "labels": [asked.options.labels[n] for n in order],
            "scores": [float(scores[n]) for n in order],
        }
