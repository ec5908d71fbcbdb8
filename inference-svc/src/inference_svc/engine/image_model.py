"""A model over images with whatever head: reads, preprocesses and runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from transformers import AutoImageProcessor

from inference_svc.engine.base import Prepared
from inference_svc.engine.checkpoint import load_checkpoint, module_bytes
from inference_svc.engine.image_reading import read_image
from inference_svc.engine.torch_errors import device_errors

# What a vision transformer makes one token of, so that budgets in tokens fit images too.
PATCH_PIXELS = 16 * 16
Arrays = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True, slots=True)
class ImageRow:
    """One image for the model; ``size`` is (height, width) as it came."""

    arrays: Arrays
    size: tuple[int, int]
    options: Any


class ImageModel:
    """One model and its image processor; ``config`` and ``processor`` are valid after load().

    Images are preprocessed by PIL and numpy, the same everywhere, torchvision or not.

    Args:
        kind: One of transformers' Auto classes.
        optional: Prefixes of weights that may be missing.

    Attributes:
        lacking: Which of the optional weights are missing.
    """

    def __init__(
        self, kind: Any, folder: Path, device: str, *, optional: Sequence[str] = ()
    ) -> None:
        self._kind = kind
        self._folder = folder
        self._device = device
        self._optional = optional
        self._model: Any = None
        self.lacking: tuple[str, ...] = ()

    def load(self) -> int:
        """Reads the files; the bytes of the weights."""
        self._model, self.lacking = load_checkpoint(
            self._kind, self._folder, self._device, optional=self._optional
        )
        self.config: Any = self._model.config
        read: Any = AutoImageProcessor.from_pretrained
        self.processor: Any = read(
            self._folder, local_files_only=True, trust_remote_code=False, backend="pil"
        )
        return module_bytes(self._model)

    @property
    def module(self) -> Any:
        """The library's model itself; valid between load() and unload()."""
        return self._model

    def unload(self) -> None:
        self._model = None

    def sample(self, options: Any) -> Prepared:
        """A grey image, for the warm-up."""
        return self._prepare(Image.new("RGB", (320, 240), (127, 127, 127)), options)

    def prepare(self, value: str | bytes, options: Any) -> Prepared:
        """Raises: InvalidFieldError: it is no image that can be read."""
        return self._prepare(read_image(value), options)

    def _prepare(self, image: Image.Image, options: Any) -> Prepared:
        found = self.processor(images=[image], return_tensors="np")
        arrays: Arrays = {name: np.asarray(array)[0] for name, array in found.items()}
        shape = arrays["pixel_values"].shape
        # Of one shape only, so that nothing is padded and a batch changes no result.
        return Prepared(
            ImageRow(arrays, (image.height, image.width), options),
            max(1, int(np.prod(shape[-2:])) // PATCH_PIXELS),
            group=shape,
        )

    def run(self, rows: Sequence[ImageRow]) -> Any:
        """The model's outputs for images of one shape, on its device."""
        with torch.inference_mode(), device_errors():
            inputs = {
                name: torch.from_numpy(np.stack([row.arrays[name] for row in rows])).to(
                    self._device
                )
                for name in rows[0].arrays
            }
            return self._model(**inputs)
