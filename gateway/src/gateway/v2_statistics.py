"""What models were asked, added up over the replicas that have them."""

import asyncio
from urllib.parse import urlencode

import msgspec

from fleetserve.errors import UnavailableError
from fleetserve.tasks import INFERENCE_SERVICE
from fleetserve.usage import ModelUsage
from gateway.replica_table import Replica, ReplicaTable
from gateway.service_calls import ServiceCalls
from gateway.v2_models import V2Models

_CALL_S = 5.0
_decode = msgspec.json.Decoder(list[ModelUsage]).decode


class V2Statistics:
    """Event loop only; keeps nothing."""

    def __init__(self, table: ReplicaTable, models: V2Models, calls: ServiceCalls) -> None:
        self._table = table
        self._models = models
        self._calls = calls

    async def of_all(self) -> list[ModelUsage]:
        """Every loaded model, by name.

        Raises: UnavailableError: a replica does not answer, so that a sum would be too small.
        """
        found = await self._added_up("/internal/usage")
        return sorted(found, key=lambda one: (one.name, one.revision))

    async def of(self, name: str, version: str = "") -> ModelUsage:
        """One model; all is 0 where no replica has it now.

        Raises: as V2Models.find; UnavailableError: as of_all.
        """
        record = self._models.find(name, version)
        query = urlencode({"model": record.name})
        for one in await self._added_up(f"/internal/usage?{query}"):
            if not version or one.revision == version:
                return one
        return ModelUsage(record.name, record.revision)

    async def _added_up(self, path: str) -> list[ModelUsage]:
        ready = self._table.ready(INFERENCE_SERVICE)
        sums: dict[tuple[str, str], ModelUsage] = {}
        for told in await asyncio.gather(*(self._ask(replica, path) for replica in ready)):
            for one in told:
                known = sums.setdefault((one.name, one.revision), one)
                if known is not one:
                    known.merge(one)
        return list(sums.values())

    async def _ask(self, replica: Replica, path: str) -> list[ModelUsage]:
        status, content = await self._calls.get(replica, path, _CALL_S)
        if status != 200:
            raise UnavailableError(f"{replica.id} answered {status} when asked what it did")
        return _decode(content)
