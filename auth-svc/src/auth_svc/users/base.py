from typing import Protocol

from auth_svc.identities import User


class UserStore(Protocol):
    """Users, unique by name (whatever its case) and by email. Blocking; safe from any thread."""

    def add(self, user: User) -> None:
        """Raises: ConflictError: the name or the email is taken; nothing was added."""
        ...

    def get(self, user_id: str) -> User | None: ...

    def find(self, username: str) -> User | None: ...

    def page(
        self, *, offset: int = 0, limit: int = 100, role: str | None = None
    ) -> tuple[int, list[User]]:
        """How many there are in all, and some of them by name.

        ``role`` leaves only that role's users, and of them only those not disabled.
        """
        ...

    def replace(self, user: User, *, was: int) -> bool:
        """Writes all but id, name and creation, if the stored edition is ``was``.

        Returns: whether it was written. Raises: ConflictError: the email is taken.
        """
        ...

    def delete(self, user_id: str) -> bool:
        """Whether there was one; its sessions and keys go with it."""
        ...
