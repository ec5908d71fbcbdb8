"""Which weights of torchvision there are, and what a caller's id means; pure but for two files."""

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from fleetserve.errors import InvalidFieldError

_HERE = Path(__file__).parent
# name-<first digits of its sha256>.pth
_FILE = re.compile(r"[A-Za-z0-9][\w.+-]*-(?P<sha256>[0-9a-f]{8,64})\.pth")


@dataclass(frozen=True, slots=True)
class Weights:
    """One published file of an architecture, and how its images are prepared.

    Attributes:
        id: ``resnet50/IMAGENET1K_V2``: what a caller may ask for, whole.
        sha256: The first digits of the file's, which its name ends with.
        resize: What the shorter side of an image becomes, in pixels.
        crop: The side of the square that is cut from its middle.
    """

    id: str
    family: str
    file: str
    sha256: str
    resize: int
    crop: int


def find_weights(model_id: str) -> Weights:
    """What ``resnet50``, ``resnet50/IMAGENET1K_V1`` or ``resnet50/name-0123abcd.pth`` means.

    Raises: InvalidFieldError: field ``model_id``, with what there is.
    """
    architecture, _, wanted = model_id.partition("/")
    known = _table().get(architecture)
    if known is None:
        raise InvalidFieldError(
            "model_id",
            f"{architecture!r} is no architecture that this fleet can convert from torchvision; "
            f"it can: {', '.join(_table())}.",
            code="unknown_architecture",
        )
    wanted = wanted or known["default"]
    entry = known["weights"].get(wanted) or known["weights"][known["default"]]
    file = known["weights"].get(wanted, {"file": wanted})["file"]
    named = _FILE.fullmatch(file)
    if named is None:
        raise InvalidFieldError(
            "model_id",
            f"{architecture} has the weights {', '.join(known['weights'])} (or a file of yours: "
            f"{architecture}/name-<first 8 digits of its sha256>.pth), not {wanted!r}.",
            code="unknown_weights",
        )
    return Weights(
        id=f"{architecture}/{wanted}",
        family=known["family"],
        file=file,
        sha256=named["sha256"],
        resize=entry["resize"],
        crop=entry["crop"],
    )


@cache
def _table() -> dict[str, dict[str, Any]]:
    table: dict[str, dict[str, Any]] = json.loads((_HERE / "weights.json").read_text("utf-8"))
    return table


@cache
def imagenet_labels() -> list[str]:
    """The 1000 classes in the order of the outputs, as torchvision names them."""
    labels: list[str] = json.loads((_HERE / "imagenet_labels.json").read_text("utf-8"))
    return labels
