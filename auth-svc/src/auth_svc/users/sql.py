from typing import Any

from sqlalchemy import RowMapping, Select, func, select
from sqlalchemy.exc import IntegrityError

from auth_svc.database.database import Database
from auth_svc.database.tables import users
from auth_svc.identities import User, name_key
from fleetserve.errors import ConflictError


class SqlUserStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, user: User) -> None:
        try:
            with self._database.writing() as connection:
                connection.execute(users.insert().values(_row(user)))
        except IntegrityError:
            taken = self.find(user.username) is not None
            raise _taken("user name" if taken else "email") from None

    def get(self, user_id: str) -> User | None:
        return self._one(select(users).where(users.c.id == user_id))

    def find(self, username: str) -> User | None:
        return self._one(select(users).where(users.c.name_key == name_key(username)))

    def page(
        self, *, offset: int = 0, limit: int = 100, role: str | None = None
    ) -> tuple[int, list[User]]:
        wanted = select(users)
        if role is not None:
            wanted = wanted.where(users.c.role == role, users.c.disabled.is_(False))
        rows = wanted.order_by(users.c.name_key).offset(offset).limit(limit)
        with self._database.reading() as connection:
            total = connection.execute(select(func.count()).select_from(wanted.subquery()))
            return total.scalar_one(), [
                _user(row) for row in connection.execute(rows).mappings().all()
            ]

    def replace(self, user: User, *, was: int) -> bool:
        row = _row(user)
        for fixed in ("id", "username", "name_key", "created_at"):
            del row[fixed]
        change = users.update().where(users.c.id == user.id, users.c.edition == was).values(row)
        try:
            with self._database.writing() as connection:
                return connection.execute(change).rowcount == 1
        except IntegrityError:
            raise _taken("email") from None

    def delete(self, user_id: str) -> bool:
        with self._database.writing() as connection:
            return connection.execute(users.delete().where(users.c.id == user_id)).rowcount == 1

    def _one(self, wanted: Select[Any]) -> User | None:
        with self._database.reading() as connection:
            row = connection.execute(wanted).mappings().one_or_none()
        return _user(row) if row is not None else None


def _taken(what: str) -> ConflictError:
    code = "email_taken" if what == "email" else "username_taken"
    return ConflictError(f"This {what} is taken.", code=code)


def _row(user: User) -> dict[str, Any]:
    return {
        "id": user.id,
        "username": user.username,
        "name_key": user.name_key,
        "email": user.email,
        "full_name": user.full_name,
        "password_hash": user.password_hash,
        "role": user.role,
        "version": user.version,
        "edition": user.edition,
        "disabled": user.disabled,
        "created_at": user.created_at,
        "last_login_at": user.last_login_at,
    }


def _user(row: RowMapping) -> User:
    return User(**{name: row[name] for name in row if name != "name_key"})
