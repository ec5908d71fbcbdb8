"""The names of models.json, for hints and aliases; the registry owns the file."""

from pathlib import Path

import orjson
import structlog

log = structlog.get_logger(__name__)


def read_catalogue(path: Path) -> tuple[list[str], dict[str, list[str]]]:
    """Names, and aliases with what each may mean; none where the file can't be read.

    That is only logged: the registry tells in full what is wrong with it.
    """
    try:
        raw = orjson.loads(path.read_bytes())
        aliases = {
            alias: [names] if isinstance(names, str) else list(names)
            for alias, names in raw.get("aliases", {}).items()
        }
        return list(raw.get("available_models", {})), aliases
    except (OSError, ValueError, AttributeError, TypeError) as exc:
        log.warning("catalogue.unreadable", error=str(exc))
        return [], {}
