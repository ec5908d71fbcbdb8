"""image-feature-extraction: one vector per image, or one per place in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import Tensor
from transformers import AutoModel

from inference_svc.engine.base import EngineInfo, InputKind, Prepared, TensorSpec
from inference_svc.engine.image_model import ImageModel, ImageRow
from inference_svc.engine.parameters import Parameters
from inference_svc.engine.tunable import TunableImages

Vectors = npt.NDArray[np.float32]
_POOLER = "pooler"


@dataclass(frozen=True, slots=True)
class Options:
    """``pooling``: pooler, cls, mean or none."""

    pooling: str


class ImageFeaturesEngine(TunableImages):
    """float32 [width] per image; with ``pooling`` none [tokens, width], or as a convolution has it.

    ``pooler`` is the model's own pooled output, and what is taken where there is one; else it
    is the first token, ``cls``. ``mean`` is over all tokens, or over the places of a convolution.

    Source: transformers' image-feature-extraction pipeline, with and without pool.
    """

    def __init__(self, folder: Path, device: str) -> None:
        self.info = EngineInfo(
            InputKind.IMAGE,
            rank=0,
            device=device,
            dtype="float32",
            outputs=(TensorSpec("embedding", "float32", (-1,)),),
        )
        # Some publish their model without its pooler, which would then be random.
        self._model = ImageModel(AutoModel, folder, device, optional=("pooler.",))

    def load(self) -> int:
        size = self._model.load()
        outputs = self._model.run([self._model.sample(Options("none")).payload])
        pooled = getattr(outputs, "pooler_output", None) is not None and not self._model.lacking
        has_tokens = outputs.last_hidden_state.dim() == 3
        self._poolings = (
            *((_POOLER,) if pooled else ()),
            *(("cls",) if has_tokens else ()),
            *("mean", "none"),
        )
        return size

    def warm_up(self) -> None:
        self.predict_batch([self._model.sample(self.read_parameters({}))])

    def read_parameters(self, parameters: Mapping[str, object]) -> Options:
        given = Parameters(parameters, ("pooling",))
        return Options(given.choice("pooling", self._poolings[0], self._poolings))

    def prepare(self, value: Any, options: Any) -> Prepared:
        return self._model.prepare(value, options)

    def predict_batch(self, batch: Sequence[Prepared]) -> list[object]:
        rows: list[ImageRow] = [one.payload for one in batch]
        outputs = self._model.run(rows)
        return [_vectors(outputs, place, row.options.pooling) for place, row in enumerate(rows)]

    def unload(self) -> None:
        self._model.unload()


def _vectors(outputs: Any, place: int, pooling: str) -> Vectors:
    if pooling == _POOLER:
        return _array(outputs.pooler_output[place].flatten())
    found: Tensor = outputs.last_hidden_state[place]
    if pooling == "cls":
        return _array(found[0])
    if pooling == "mean":
        return _array(found.mean(dim=0) if found.dim() == 2 else found.flatten(1).mean(dim=1))
    return _array(found)


def _array(tensor: Tensor) -> Vectors:
    array: Vectors = tensor.float().cpu().numpy()
    return array
