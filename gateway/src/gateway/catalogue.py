"""What models.json offers, for hints, aliases and first uses; the registry owns the file."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson
import structlog

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Offer:
    """A model that can be had, by the name that it gets here."""

    name: str
    source: str = ""
    model_id: str = ""
    task: str = ""


def read_catalogue(path: Path) -> tuple[list[Offer], dict[str, Sequence[str]]]:
    """Offers, and aliases with what each may mean; none where the file can't be read.

    That is only logged: the registry tells in full what is wrong with it.
    """
    try:
        raw = orjson.loads(path.read_bytes())
        aliases: dict[str, Sequence[str]] = {
            alias: [names] if isinstance(names, str) else list(names)
            for alias, names in raw.get("aliases", {}).items()
        }
        offers = [
            Offer(name, entry.get("source", ""), entry.get("model_id", ""), entry.get("task", ""))
            for name, entry in raw.get("available_models", {}).items()
        ]
    except (OSError, ValueError, AttributeError, TypeError) as exc:
        log.warning("catalogue.unreadable", error=str(exc))
        return [], {}
    return offers, aliases
