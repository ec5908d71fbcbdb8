"""image-classification: an image to labels with scores."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from transformers import AutoModelForImageClassification

from inference_svc.engine.base import EngineInfo, InputKind, Prepared
from inference_svc.engine.image_model import ImageModel
from inference_svc.engine.labels import FUNCTIONS, LABELS, apply, best_labels, default_function
from inference_svc.engine.parameters import Parameters
from inference_svc.engine.tunable import TunableImages

TOP_K = 5


@dataclass(frozen=True, slots=True)
class Options:
    """``top_k`` None: all labels."""

    top_k: int | None
    function: str


class ImageClassificationEngine(TunableImages):
    """``[{label, score}]`` per image, the best first.

    Source: transformers' image-classification pipeline.
    """

    def __init__(self, folder: Path, device: str) -> None:
        self.info = EngineInfo(
            InputKind.IMAGE, rank=0, device=device, dtype="float32", outputs=LABELS
        )
        self._model = ImageModel(AutoModelForImageClassification, folder, device)

    def load(self) -> int:
        size = self._model.load()
        self._function = default_function(self._model.config, regression=False)
        return size

    def warm_up(self) -> None:
        self.predict_batch([self._model.sample(self.read_parameters({}))])

    def read_parameters(self, parameters: Mapping[str, object]) -> Options:
        given = Parameters(parameters, ("top_k", "function_to_apply"))
        most = max(1, self._model.config.num_labels)
        return Options(
            given.count("top_k", min(TOP_K, most), most=most),
            given.choice("function_to_apply", self._function, FUNCTIONS),
        )

    def prepare(self, value: Any, options: Any) -> Prepared:
        return self._model.prepare(value, options)

    def predict_batch(self, batch: Sequence[Prepared]) -> list[object]:
        logits = self._model.run([one.payload for one in batch]).logits.float().cpu().numpy()
        names = self._model.config.id2label
        chosen: list[Options] = [one.payload.options for one in batch]
        return [
            best_labels(apply(options.function, row), names, options.top_k)
            for row, options in zip(logits, chosen, strict=True)
        ]

    def unload(self) -> None:
        self._model.unload()
