"""What a checkpoint will take in memory, told from its config.json."""

from pathlib import Path

import msgspec


class _Config(msgspec.Struct):
    """Newer files say ``dtype``; files of models with several parts say it inside."""

    torch_dtype: str | None = None
    dtype: str | None = None


_decode = msgspec.json.Decoder(_Config).decode
_HALF = {"bfloat16", "float16"}


def loaded_per_stored(folder: Path) -> int:
    """Bytes of float32 weights, as they are computed with, per byte on the disk."""
    try:
        config = _decode((folder / "config.json").read_bytes())
    except (OSError, msgspec.DecodeError):
        return 1
    return 2 if (config.dtype or config.torch_dtype) in _HALF else 1
