from sqlalchemy import select

from auth_svc.database.database import Database
from auth_svc.database.tables import sessions
from auth_svc.identities import Session


class SqlSessionStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, session: Session) -> None:
        with self._database.writing() as connection:
            connection.execute(
                sessions.insert().values(
                    id=session.id,
                    user_id=session.user_id,
                    digest=session.digest,
                    created_at=session.created_at,
                    expires_at=session.expires_at,
                )
            )

    def get(self, session_id: str) -> Session | None:
        wanted = select(sessions).where(sessions.c.id == session_id)
        with self._database.reading() as connection:
            row = connection.execute(wanted).mappings().one_or_none()
        return Session(**row) if row is not None else None

    def of_user(self, user_id: str) -> list[Session]:
        wanted = (
            select(sessions)
            .where(sessions.c.user_id == user_id)
            .order_by(sessions.c.created_at, sessions.c.id)
        )
        with self._database.reading() as connection:
            return [Session(**row) for row in connection.execute(wanted).mappings().all()]

    def rotate(self, session_id: str, *, was: str, digest: str, expires_at: float) -> bool:
        change = (
            sessions.update()
            .where(sessions.c.id == session_id, sessions.c.digest == was)
            .values(digest=digest, expires_at=expires_at)
        )
        with self._database.writing() as connection:
            return connection.execute(change).rowcount == 1

    def end(self, session_id: str) -> bool:
        with self._database.writing() as connection:
            gone = connection.execute(sessions.delete().where(sessions.c.id == session_id))
            return gone.rowcount == 1

    def prune(self, now_s: float) -> int:
        with self._database.writing() as connection:
            gone = connection.execute(sessions.delete().where(sessions.c.expires_at <= now_s))
            return gone.rowcount
