"""A fleet that tests make up."""

from collections.abc import Sequence

from fleetserve.errors import UnavailableError
from fleetserve.model_records import ModelRecord, canonical_name
from gpu_svc.torch_builds import TorchBuild


class MemoryFleet:
    """Knows what it is given; away: why it can't be asked, if it can't."""

    def __init__(
        self, builds: Sequence[TorchBuild] = (), models: Sequence[ModelRecord] = (), away: str = ""
    ) -> None:
        self._builds = list(builds)
        self._models = {canonical_name(record.name): record for record in models}
        self.away = away

    async def torch_builds(self) -> list[TorchBuild]:
        self._ask()
        return list(self._builds)

    async def model(self, name: str) -> ModelRecord | None:
        self._ask()
        return self._models.get(canonical_name(name))

    def _ask(self) -> None:
        if self.away:
            raise UnavailableError(self.away)
