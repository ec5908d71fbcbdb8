import dataclasses
import threading

from auth_svc.identities import User, name_key
from fleetserve.errors import ConflictError


class MemoryUserStore:
    def __init__(self) -> None:
        self._users: dict[str, User] = {}
        self._lock = threading.Lock()

    def add(self, user: User) -> None:
        with self._lock:
            if any(other.name_key == user.name_key for other in self._users.values()):
                raise ConflictError("This user name is taken.", code="username_taken")
            self._refuse_email(user)
            self._users[user.id] = user

    def get(self, user_id: str) -> User | None:
        return self._users.get(user_id)

    def find(self, username: str) -> User | None:
        wanted = name_key(username)
        with self._lock:
            return next((u for u in self._users.values() if u.name_key == wanted), None)

    def page(
        self, *, offset: int = 0, limit: int = 100, role: str | None = None
    ) -> tuple[int, list[User]]:
        with self._lock:
            found = sorted(self._users.values(), key=lambda user: user.name_key)
        if role is not None:
            found = [user for user in found if user.role == role and not user.disabled]
        return len(found), found[offset : offset + limit]

    def replace(self, user: User, *, was: int) -> bool:
        with self._lock:
            stored = self._users.get(user.id)
            if stored is None or stored.edition != was:
                return False
            self._refuse_email(user)
            self._users[user.id] = dataclasses.replace(
                user, username=stored.username, created_at=stored.created_at
            )
            return True

    def delete(self, user_id: str) -> bool:
        with self._lock:
            return self._users.pop(user_id, None) is not None

    def _refuse_email(self, user: User) -> None:
        if any(o.email == user.email and o.id != user.id for o in self._users.values()):
            raise ConflictError("This email is taken.", code="email_taken")
