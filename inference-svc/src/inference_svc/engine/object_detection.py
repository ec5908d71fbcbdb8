"""object-detection: an image to boxes with labels and scores."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import AutoModelForObjectDetection

from inference_svc.engine.base import EngineInfo, InputKind, Prepared
from inference_svc.engine.image_model import ImageModel, ImageRow
from inference_svc.engine.parameters import Parameters

THRESHOLD = 0.5


@dataclass(frozen=True, slots=True)
class Options:
    """Boxes of lesser scores are left out."""

    threshold: float


class ObjectDetectionEngine:
    """``[{score, label, box: {xmin, ymin, xmax, ymax}}]`` per image, in its own pixels.

    Source: transformers' object-detection pipeline.
    """

    def __init__(self, folder: Path, device: str) -> None:
        self.info = EngineInfo(InputKind.IMAGE, rank=0, device=device, dtype="float32")
        self._model = ImageModel(AutoModelForObjectDetection, folder, device)

    def load(self) -> int:
        return self._model.load()

    def warm_up(self) -> None:
        self.predict_batch([self._model.sample(Options(THRESHOLD))])

    def read_parameters(self, parameters: Mapping[str, object]) -> Options:
        given = Parameters(parameters, ("threshold",))
        return Options(given.number("threshold", THRESHOLD, least=0.0, most=1.0))

    def prepare(self, value: Any, options: Any) -> Prepared:
        return self._model.prepare(value, options)

    def predict_batch(self, batch: Sequence[Prepared]) -> list[object]:
        rows: list[ImageRow] = [one.payload for one in batch]
        outputs = self._model.run(rows)
        with torch.inference_mode():
            found = self._model.processor.post_process_object_detection(
                outputs, threshold=0.0, target_sizes=torch.tensor([row.size for row in rows])
            )
        return [
            self._describe(boxes, row.options.threshold)
            for boxes, row in zip(found, rows, strict=True)
        ]

    def unload(self) -> None:
        self._model.unload()

    def _describe(self, found: Mapping[str, Tensor], threshold: float) -> list[dict[str, object]]:
        names = self._model.config.id2label
        kept = found["scores"] > threshold
        boxes = found["boxes"][kept].int().tolist()
        parts = zip(
            found["scores"][kept].tolist(), found["labels"][kept].tolist(), boxes, strict=True
        )
        return [
            {
                "score": score,
                "label": names[label],
                "box": dict(zip(("xmin", "ymin", "xmax", "ymax"), box, strict=True)),
            }
            for score, label, box in parts
        ]
