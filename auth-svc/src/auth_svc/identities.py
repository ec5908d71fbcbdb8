"""Users, sessions and API keys as the domain knows them. Times are seconds since the epoch."""

from dataclasses import dataclass
from secrets import token_hex

from fleetserve.auth.scopes import Scope


def new_id() -> str:
    """128 random bits in hex."""
    return token_hex(16)


@dataclass(frozen=True, slots=True)
class User:
    """A user.

    Attributes:
        version: Rises with each change that what was given out before must not outlive.
        edition: Rises with every change.
    """

    id: str
    username: str
    email: str
    full_name: str
    password_hash: str
    role: str
    created_at: float
    version: int = 1
    edition: int = 1
    disabled: bool = False
    last_login_at: float | None = None

    @property
    def name_key(self) -> str:
        return name_key(self.username)


def name_key(username: str) -> str:
    """What makes a user name unique: ``Ada`` and ``ada`` are one."""
    return username.strip().lower()


@dataclass(frozen=True, slots=True)
class Session:
    """One login; its refresh token is replaced at each use. ``digest`` is the current one's."""

    id: str
    user_id: str
    digest: str
    created_at: float
    expires_at: float


@dataclass(frozen=True, slots=True)
class ApiKey:
    """An API key; of the key itself only the digest and the first characters are kept."""

    id: str
    user_id: str
    name: str
    digest: str
    hint: str
    scopes: tuple[Scope, ...]
    created_at: float
    expires_at: float
    last_used_at: float | None = None
