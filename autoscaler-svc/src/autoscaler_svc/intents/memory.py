"""What people asked for, in this process."""

from autoscaler_svc.intents.base import Floor
from fleetserve.errors import UnavailableError


class MemoryIntents:
    def __init__(self) -> None:
        self._floors: dict[str, Floor] = {}
        self._overrides: dict[str, object] = {}
        self.away = ""

    async def floors(self) -> dict[str, Floor]:
        self._ask()
        return dict(self._floors)

    async def put_floor(self, floor: Floor) -> None:
        self._ask()
        self._floors[floor.target] = floor

    async def drop_floor(self, target: str, scaling_id: str) -> None:
        self._ask()
        if target in self._floors and self._floors[target].scaling_id == scaling_id:
            del self._floors[target]

    async def overrides(self) -> dict[str, object]:
        self._ask()
        return dict(self._overrides)

    async def put_overrides(self, values: dict[str, object | None]) -> None:
        self._ask()
        merged = {**self._overrides, **values}
        self._overrides = {key: value for key, value in merged.items() if value is not None}

    async def clear_floors(self) -> None:
        self._ask()
        self._floors.clear()

    def _ask(self) -> None:
        if self.away:
            raise UnavailableError(self.away)
