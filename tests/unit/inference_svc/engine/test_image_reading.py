import base64
import io

import numpy as np
import pytest
from PIL import Image
from transformers.image_utils import load_image

from fleetserve.errors import InvalidFieldError
from inference_svc.engine.image_reading import read_image
from tests.pictures import file_of, picture


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"])
def test_pixels_are_the_librarys(form: str) -> None:
    data = file_of(picture(30, 20), form)
    expected = load_image(base64.b64encode(data).decode())
    for value in (data, base64.b64encode(data).decode(), f"data:image/x;base64,{_b64(data)}"):
        found = read_image(value)
        assert (found.mode, found.size) == ("RGB", (30, 20))
        assert np.array_equal(np.asarray(found), np.asarray(expected))


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "CMYK", "1", "I;16"])
def test_every_kind_of_colour_becomes_rgb(mode: str) -> None:
    image = (
        picture(8, 6).convert("L").convert("I;16")
        if mode == "I;16"
        else picture(8, 6).convert(mode)
    )
    form = "TIFF" if mode == "CMYK" else "PNG"
    assert read_image(file_of(image, form)).mode == "RGB"


def test_a_photograph_is_turned_as_its_camera_says() -> None:
    image = picture(30, 20)
    exif = Image.Exif()
    exif[0x0112] = 6
    file = io.BytesIO()
    image.save(file, "JPEG", exif=exif)
    assert read_image(file.getvalue()).size == (20, 30)


def bomb(side: int) -> bytes:
    """A file of some kilobytes."""
    return file_of(Image.new("1", (side, side)))


@pytest.mark.parametrize(
    ("data", "detail"),
    [
        (b"", "is no image"),
        (b"plain text", "is no image"),
        (file_of(picture(300, 200), "PNG")[:500], "is a broken image"),
        (bomb(9_000), "is 9000 × 9000 pixels; at most 64000000 are read"),
        (bomb(20_000), "is a picture of far too many pixels; at most 64000000 are read"),
    ],
)
def test_what_is_no_picture_fails_by_itself(data: bytes, detail: str) -> None:
    with pytest.raises(InvalidFieldError, match=detail) as wrong:
        read_image(data)
    assert wrong.value.field == "inputs"


def test_an_address_is_never_fetched() -> None:
    with pytest.raises(InvalidFieldError, match="never opened by the server"):
        read_image("https://example.com/a.png")
