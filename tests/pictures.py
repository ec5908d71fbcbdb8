"""Pictures whose every pixel differs from its neighbours."""

import base64
import io

import numpy as np
from PIL import Image


def picture(width: int, height: int, seed: int = 0) -> Image.Image:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def file_of(image: Image.Image, form: str = "PNG") -> bytes:
    file = io.BytesIO()
    image.save(file, form)
    return file.getvalue()


def base64_of(image: Image.Image) -> str:
    return base64.b64encode(file_of(image)).decode()


PICTURES = [picture(60, 40, 1), picture(50, 90, 2), picture(60, 40, 3)]
INPUTS = [base64_of(image) for image in PICTURES]
