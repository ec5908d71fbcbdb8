from typing import Any

from sqlalchemy import RowMapping, Select, select

from auth_svc.database.database import Database
from auth_svc.database.tables import api_keys
from auth_svc.identities import ApiKey
from fleetserve.auth.principals import scopes_of


class SqlKeyStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, key: ApiKey) -> None:
        with self._database.writing() as connection:
            connection.execute(
                api_keys.insert().values(
                    id=key.id,
                    user_id=key.user_id,
                    name=key.name,
                    digest=key.digest,
                    hint=key.hint,
                    scopes=" ".join(key.scopes),
                    created_at=key.created_at,
                    expires_at=key.expires_at,
                    last_used_at=key.last_used_at,
                )
            )

    def get(self, key_id: str) -> ApiKey | None:
        return self._one(select(api_keys).where(api_keys.c.id == key_id))

    def by_digest(self, digest: str) -> ApiKey | None:
        return self._one(select(api_keys).where(api_keys.c.digest == digest))

    def of_user(self, user_id: str) -> list[ApiKey]:
        wanted = (
            select(api_keys)
            .where(api_keys.c.user_id == user_id)
            .order_by(api_keys.c.created_at, api_keys.c.id)
        )
        with self._database.reading() as connection:
            return [_key(row) for row in connection.execute(wanted).mappings().all()]

    def delete(self, key_id: str) -> bool:
        with self._database.writing() as connection:
            gone = connection.execute(api_keys.delete().where(api_keys.c.id == key_id))
            return gone.rowcount == 1

    def note_use(self, key_id: str, at_s: float) -> None:
        change = api_keys.update().where(api_keys.c.id == key_id).values(last_used_at=at_s)
        with self._database.writing() as connection:
            connection.execute(change)

    def _one(self, wanted: Select[Any]) -> ApiKey | None:
        with self._database.reading() as connection:
            row = connection.execute(wanted).mappings().one_or_none()
        return _key(row) if row is not None else None


def _key(row: RowMapping) -> ApiKey:
    # Sorted, since a set has no order of its own.
    return ApiKey(**{**row, "scopes": tuple(sorted(scopes_of(row["scopes"].split())))})
