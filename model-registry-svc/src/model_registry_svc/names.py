"""Names that callers give to models; each becomes a folder's name."""

import re

from fleetserve.built_in import find_built_in
from fleetserve.errors import InvalidFieldError

MAX_CHARS = 96
# `example` is built into the replicas, as fleetserve.built_in's models are; `status` is a route
# under /models/download.
RESERVED = frozenset({"example", "status"})
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def check_name(name: str) -> str:
    """The name itself if a model may be called so.

    Raises: InvalidFieldError: naming the field ``name`` and the rule.
    """
    if len(name) > MAX_CHARS or not _NAME.fullmatch(name) or ".." in name or name.endswith("."):
        raise InvalidFieldError(
            "name",
            f"{name[:MAX_CHARS]!r} can't be a model's name: 1 to {MAX_CHARS} of letters, digits, "
            "'.', '_' and '-', beginning with a letter or digit, no '..' and no '.' at the end.",
        )
    if name.lower() in RESERVED or find_built_in(name):
        raise InvalidFieldError("name", f"{name!r} is reserved; choose another name.")
    return name
