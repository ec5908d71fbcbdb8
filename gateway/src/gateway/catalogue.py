"""The names of models.json, for hints and aliases; the registry owns the file."""

from pathlib import Path

import orjson
import structlog

log = structlog.get_logger(__name__)


def read_catalogue(path: Path) -> tuple[list[str], dict[str, str]]:
    """Names and aliases; none where the file can't be read, which is only logged."""
    try:
        raw = orjson.loads(path.read_bytes())
        return list(raw.get("available_models", {})), dict(raw.get("aliases", {}))
    except (OSError, ValueError, AttributeError, TypeError) as exc:
        log.warning("catalogue.unreadable", error=str(exc))
        return [], {}
