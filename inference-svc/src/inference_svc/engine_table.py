"""Which engine a task has: the one table to add a line to.

Engines are named, not imported: torch takes 1 to 2 s to import and transformers as much again,
so both are only when they are needed, and in the loader's thread.
"""

import importlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fleetserve.replica.models import ModelSpec
from fleetserve.tasks import Task
from inference_svc.engine.base import ModelEngine
from inference_svc.lean_import import import_lean


@dataclass(frozen=True, slots=True)
class EngineEntry:
    """An ``EngineFactory``; ``make`` of ``module`` is called with the folder and the device."""

    module: str
    make: str

    def __call__(self, spec: ModelSpec, device: str) -> ModelEngine:
        engine: ModelEngine = self._made(_folder(spec), device)
        return engine

    def import_now(self) -> Any:
        """Imports the module and all that it needs."""
        return import_lean(f"inference_svc.engine.{self.module}")

    def _made(self, folder: Path, device: str, **more: Any) -> Any:
        return getattr(self.import_now(), self.make)(folder, device, **more)


@dataclass(frozen=True, slots=True)
class TensorEntry(EngineEntry):
    """Tensor models have no config: what one takes stands in the manifest. No transformers."""

    def import_now(self) -> Any:
        return importlib.import_module(f"inference_svc.engine.{self.module}")

    def __call__(self, spec: ModelSpec, device: str) -> ModelEngine:
        manifest = spec.manifest
        rank = 1 if manifest is None or manifest.input_rank is None else manifest.input_rank
        trusted = manifest is not None and manifest.allow_pickle
        engine: ModelEngine = self._made(_folder(spec), device, rank=rank, trusted=trusted)
        return engine


ENGINES: Mapping[str, EngineEntry] = {
    Task.FEATURE_EXTRACTION: EngineEntry("embeddings", "EmbeddingsEngine"),
    Task.SENTENCE_SIMILARITY: EngineEntry("embeddings", "EmbeddingsEngine"),
    Task.TEXT_CLASSIFICATION: EngineEntry("text_classification", "TextClassificationEngine"),
    Task.TOKEN_CLASSIFICATION: EngineEntry("token_classification", "TokenClassificationEngine"),
    Task.QUESTION_ANSWERING: EngineEntry("question_answering", "QuestionAnsweringEngine"),
    Task.ZERO_SHOT_CLASSIFICATION: EngineEntry("zero_shot", "ZeroShotEngine"),
    Task.FILL_MASK: EngineEntry("fill_mask", "FillMaskEngine"),
    Task.SUMMARIZATION: EngineEntry("text2text", "summarization"),
    Task.TRANSLATION: EngineEntry("text2text", "translation"),
    Task.TEXT2TEXT_GENERATION: EngineEntry("text2text", "text2text"),
    Task.IMAGE_CLASSIFICATION: EngineEntry("image_classification", "ImageClassificationEngine"),
    Task.OBJECT_DETECTION: EngineEntry("object_detection", "ObjectDetectionEngine"),
    Task.IMAGE_FEATURE_EXTRACTION: EngineEntry("image_features", "ImageFeaturesEngine"),
    Task.TENSOR: TensorEntry("tensor", "TensorEngine"),
}


def import_engines(tasks: Iterable[str]) -> None:
    """Imports what these tasks need; saves the first request for such a model 2 s."""
    for entry in dict.fromkeys(ENGINES[task] for task in tasks if task in ENGINES):
        entry.import_now()


def _folder(spec: ModelSpec) -> Path:
    assert spec.folder is not None, "a model with a manifest has a folder"
    return spec.folder
