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
    """One model and its image processor.

    ``config``, ``processor`` and ``module``, the library's model, are valid after load().

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
        self.module: Any = None
        self.lacking: tuple[str, ...] = ()

    def load(self) -> int:
        """Reads the files; the bytes of the weights."""
        self.module, self.lacking = load_checkpoint(
            self._kind, self._folder, self._device, optional=self._optional
        )
        self.config: Any = self.module.config
        read: Any = AutoImageProcessor.from_pretrained
        self.processor: Any = read(
            self._folder, local_files_only=True, trust_remote_code=False, backend="pil"
        )
        return module_bytes(self.module)

    def unload(self) -> None:
        self.module = None

    def sample(self, options: Any) -> Prepared:
        """A grey image, for the warm-up."""
        return self._prepare(Image.new("RGB", (320, 240), (127, 127, 127)), options)

    def drawn(self, seed: int, options: Any) -> Prepared:
        """A picture of smooth shapes and fine grain, as photographs have them; another per seed."""
        rng = np.random.default_rng(seed)
        grain = rng.normal(0.0, 12.0, (240, 320, 3))
        shapes = Image.fromarray(rng.integers(0, 256, (6, 8, 3), dtype=np.uint8))
        smooth = np.asarray(shapes.resize((320, 240), Image.Resampling.BICUBIC), np.float64)
        pixels = np.clip(smooth + grain, 0, 255).astype(np.uint8)
        return self._prepare(Image.fromarray(pixels), options)

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
            return self.module(**inputs)
