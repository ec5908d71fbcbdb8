import contextlib
from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from auth_svc.database.database import Database
from auth_svc.database.tables import revocations as table
from fleetserve.auth.revocations import Revocation, RevokedKind


class SqlRevocationStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, revocations: Iterable[Revocation]) -> None:
        for entry in revocations:
            # One transaction each, since PostgreSQL gives a whole one up for a row that is there.
            with contextlib.suppress(IntegrityError), self._database.writing() as connection:
                connection.execute(
                    table.insert().values(
                        kind=str(entry.kind),
                        subject=entry.id,
                        version=entry.version,
                        expires_at=entry.expires_at,
                    )
                )

    def live(self, now_s: float) -> list[Revocation]:
        wanted = select(table).where(table.c.expires_at > now_s)
        with self._database.reading() as connection:
            rows = connection.execute(wanted).mappings().all()
        return [
            Revocation(RevokedKind(row["kind"]), row["subject"], row["expires_at"], row["version"])
            for row in rows
        ]

    def prune(self, now_s: float) -> int:
        with self._database.writing() as connection:
            return connection.execute(table.delete().where(table.c.expires_at <= now_s)).rowcount
