"""Other names of voices, such as alloy: clients made for another service ask by its names."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import orjson
import structlog

log = structlog.get_logger(__name__)

DEFAULT = "default"  # Every model takes it for the voice that it speaks with unasked.


class VoiceAliases:
    """Args: meant: Each alias's voices, the one that fits best first."""

    def __init__(self, meant: Mapping[str, Sequence[str]]) -> None:
        self._meant = {alias.lower(): tuple(names) for alias, names in meant.items()}

    def find(self, name: str, voices: Sequence[str]) -> str:
        """Of a model's voices the one of that name, else the first that the alias means.

        Gives the name itself where it is neither: whoever speaks says what there is.
        """
        if name in voices:
            return name
        meant = self._meant.get(name.lower(), ())
        return next((one for one in meant if one in voices or one == DEFAULT), name)


def read_voice_aliases(path: Path) -> VoiceAliases:
    """Those of models.json; none where it can't be read, which the registry tells in full."""
    try:
        raw = orjson.loads(path.read_bytes()).get("voice_aliases", {})
        return VoiceAliases(
            {alias: [names] if isinstance(names, str) else names for alias, names in raw.items()}
        )
    except (OSError, ValueError, AttributeError, TypeError) as exc:
        log.warning("voice_aliases.unreadable", error=str(exc))
        return VoiceAliases({})
