"""A caller's image file to pixels, as transformers' own loader has them."""

import io
import warnings

from PIL import Image, ImageOps, UnidentifiedImageError

from fleetserve.embedded_files import decode_file
from fleetserve.errors import InvalidFieldError

# A picture of 100 bytes can unfold to gigabytes.
MAX_PIXELS = 64_000_000
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM")


def read_image(value: str | bytes) -> Image.Image:
    """RGB, turned as its EXIF says.

    Args:
        value: base64, a data URL or a file's bytes.

    Raises: InvalidFieldError: it is no image, of another format, broken or too large.
    """
    data = decode_file(value) if isinstance(value, str) else value
    try:
        with warnings.catch_warnings():
            # The library's own bound only warns; ours is below.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(data), formats=FORMATS)
    except UnidentifiedImageError:
        raise InvalidFieldError(
            "inputs", f"is no image that can be read; formats are {', '.join(FORMATS)}"
        ) from None
    except Image.DecompressionBombError:
        raise InvalidFieldError(
            "inputs", f"is a picture of far too many pixels; at most {MAX_PIXELS} are read"
        ) from None
    except (OSError, ValueError, SyntaxError) as exc:
        raise InvalidFieldError("inputs", f"is an image that can't be read: {exc}") from None
    if image.width * image.height > MAX_PIXELS:
        raise InvalidFieldError(
            "inputs", f"is {image.width} × {image.height} pixels; at most {MAX_PIXELS} are read"
        )
    try:
        return ImageOps.exif_transpose(image).convert("RGB")
    except (OSError, ValueError, SyntaxError, EOFError) as exc:
        raise InvalidFieldError("inputs", f"is a broken image: {exc}") from None
