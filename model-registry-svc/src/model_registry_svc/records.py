"""What the fleet is told about models: a Redis hash, and a message on each change."""

import redis
import structlog
from redis.exceptions import RedisError

from fleetserve.errors import UnavailableError
from fleetserve.keys import Keys
from fleetserve.manifest import Manifest
from fleetserve.model_records import (
    ModelRecord,
    ModelState,
    canonical_name,
    decode_record,
    encode_record,
)

log = structlog.get_logger(__name__)


class RecordBook:
    """Blocking; safe from several threads.

    What can't be told while Redis is away is made good by ``reconcile``.
    """

    def __init__(self, client: redis.Redis, keys: Keys) -> None:
        self._client = client
        self._keys = keys

    def put(self, record: ModelRecord) -> bool:
        """Tells the fleet; False (and a log line) if Redis is away."""
        raw = encode_record(record)
        return self._tell(record.name, raw, raw)

    def remove(self, name: str) -> bool:
        """Tells the fleet that the model is gone, with all that was asked of it.

        False if Redis is away.
        """
        gone = ModelRecord(name=name, task="", state=ModelState.DELETED)
        return self._tell(name, None, encode_record(gone))

    def all(self) -> list[ModelRecord]:
        """Every record, by name.

        Raises: UnavailableError: Redis is away.
        """
        try:
            found = self._client.hgetall(self._keys.models)
        except (RedisError, OSError) as exc:
            raise UnavailableError(
                f"Redis, which keeps the models' states, does not answer ({exc})."
            ) from exc
        assert isinstance(found, dict)
        return sorted((decode_record(raw) for raw in found.values()), key=lambda r: r.name)

    def find(self, name: str) -> ModelRecord | None:
        """The record of that name, in whatever spelling.

        Raises: UnavailableError: Redis is away.
        """
        wanted = canonical_name(name)
        return next((r for r in self.all() if canonical_name(r.name) == wanted), None)

    def _tell(self, name: str, stored: bytes | None, message: bytes) -> bool:
        try:
            with self._client.pipeline(transaction=True) as pipe:
                if stored is None:
                    pipe.hdel(self._keys.models, name)
                    pipe.hdel(self._keys.policies, name)
                else:
                    pipe.hset(self._keys.models, name, stored)
                pipe.publish(self._keys.models_channel, message)
                pipe.execute()
        except (RedisError, OSError) as exc:
            log.warning("record.untold", model=name, error=str(exc))
            return False
        return True


def ready_record(manifest: Manifest, download_id: str = "") -> ModelRecord:
    """The record of a model that lies on the volume."""
    return ModelRecord(
        name=manifest.name,
        task=manifest.task,
        state=ModelState.READY,
        revision=manifest.revision,
        progress=1.0,
        message="; ".join(manifest.warnings),
        download_id=download_id,
        source=manifest.source,
        model_id=manifest.model_id,
        size_bytes=manifest.size_bytes,
        input_rank=manifest.input_rank,
        created_at=manifest.created_at,
        two_stage_voice=manifest.two_stage_voice,
    )
