"""What engines over a TextModel or an ImageModel offer so that they can be made faster."""

import copy
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Generic, Self, TypeVar

from inference_svc.engine.base import EngineInfo, Prepared
from inference_svc.engine.image_model import ImageModel
from inference_svc.engine.text_model import TextModel

M = TypeVar("M", TextModel, ImageModel)


class TunableModel(Generic[M]):
    """The two thirds of ``Tunable`` that don't depend on what an input is."""

    info: EngineInfo
    _model: M

    @property
    def module(self) -> Any:
        return self._model.module

    def with_module(self, module: Any, dtype: str) -> Self:
        other = copy.copy(self)
        other.info = replace(self.info, dtype=dtype)
        model = copy.copy(self._model)
        model.module = module
        other._model = model  # noqa: SLF001 - its own class
        return other


class TunableText(TunableModel[TextModel]):
    """For engines whose input is a text and whose parameters can be left out."""

    def samples(self, texts: Sequence[str]) -> Sequence[Prepared]:
        engine: Any = self
        options = engine.read_parameters({})
        return [engine.prepare(text, options) for text in texts]


class TunableImages(TunableModel[ImageModel]):
    """For engines whose input is an image; requests' own are not kept, so pictures are drawn."""

    def samples(self, texts: Sequence[str]) -> Sequence[Prepared]:
        engine: Any = self
        options = engine.read_parameters({})
        return [self._model.drawn(seed, options) for seed in range(len(texts))]
