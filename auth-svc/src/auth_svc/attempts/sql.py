from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from auth_svc.database.database import Database
from auth_svc.database.tables import attempts as table
from auth_svc.lockout import Attempts


class SqlAttemptStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, name: str) -> Attempts | None:
        wanted = select(table.c.failures, table.c.locked_until, table.c.last_at)
        with self._database.reading() as connection:
            row = connection.execute(wanted.where(table.c.name == name)).mappings().one_or_none()
        return Attempts(**row) if row is not None else None

    def put(self, name: str, attempts: Attempts, *, was: Attempts | None) -> bool:
        values = {
            "failures": attempts.failures,
            "locked_until": attempts.locked_until,
            "last_at": attempts.last_at,
        }
        if was is None:
            return self._insert({"name": name, **values})
        change = (
            table.update()
            .where(
                table.c.name == name,
                table.c.failures == was.failures,
                table.c.last_at == was.last_at,
            )
            .values(values)
        )
        with self._database.writing() as connection:
            return connection.execute(change).rowcount == 1

    def clear(self, name: str) -> None:
        with self._database.writing() as connection:
            connection.execute(table.delete().where(table.c.name == name))

    def prune(self, before_s: float) -> int:
        with self._database.writing() as connection:
            return connection.execute(table.delete().where(table.c.last_at < before_s)).rowcount

    def _insert(self, row: dict[str, object]) -> bool:
        try:
            with self._database.writing() as connection:
                connection.execute(table.insert().values(row))
        except IntegrityError:
            return False
        return True
