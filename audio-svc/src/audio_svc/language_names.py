"""The English names of languages, as Whisper's files and OpenAI's answers write them."""

import functools
import json
from pathlib import Path

_FILE = Path(__file__).parent / "data" / "language_names.json"


def language_name(code: str) -> str:
    """``english`` for ``en``; a code without a name here as it is."""
    return _names().get(code, code)


@functools.cache
def _names() -> dict[str, str]:
    return dict(json.loads(_FILE.read_text(encoding="utf-8")))
