"""Examples for the OpenAPI document."""

from typing import Any

STATS: dict[str, Any] = {}
HEALTH: dict[str, Any] = {}
METRICS: dict[str, Any] = {}
HISTORY: dict[str, Any] = {}
SCALE: dict[str, Any] = {}
CONFIG: dict[str, Any] = {}
