"""auth.yaml: its sections, keys, ranges and defaults."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from fleetserve.auth.scopes import Scope
from fleetserve.config import Section
from fleetserve.config_sections import Layers, SettingsError, read_file, validated

MAX_KEY_DAYS = 365
ADMIN_ROLE = "admin"


def _origin(value: str) -> str:
    parts = urlsplit(value)
    if value == "*" or (
        parts.scheme in {"http", "https"} and parts.netloc and value.count("/") == 2
    ):
        return value.lower()
    raise ValueError(f"{value!r} is not an origin such as https://app.example.com (no path)")


class TokensConfig(Section):
    access_minutes: int = Field(30, ge=1, le=1440, description="Minutes; 1 to 1440.")
    refresh_days: int = Field(
        30, ge=1, le=365, description="Days that a session lives on unused; 1 to 365."
    )
    key_days: int = Field(
        90, ge=1, le=MAX_KEY_DAYS, description="An API key's days when not asked for; 1 to 365."
    )
    signing_key_days: int = Field(
        90, ge=1, le=3650, description="Days until a new signing key is made; 1 to 3650."
    )


class PasswordsConfig(Section):
    min_length: int = Field(8, ge=8, le=128, description="Characters; 8 to 128.")
    max_length: int = Field(256, ge=64, le=1024, description="Characters; 64 to 1024.")
    refuse_common: bool = Field(True, description="Refuse those of the list of common ones.")


class RegistrationConfig(Section):
    open: bool = Field(
        False, description="true: anybody may register; false: only an admin registers users."
    )
    role: str = Field("user", description="The role of a new user; one of the section roles.")


class LockoutConfig(Section):
    failures: int = Field(5, ge=1, le=100, description="Wrong passwords in a row; 1 to 100.")
    first_s: int = Field(30, ge=1, le=86400, description="The first lock, in seconds.")
    max_s: int = Field(3600, ge=1, le=86400, description="The longest lock, in seconds.")


RequestCount = Annotated[int, Field(ge=1, le=1_000_000_000)]


class RateLimitsConfig(Section):
    """Requests that each principal of a class may make in ``per_s`` seconds."""

    enabled: bool = Field(True, description="Count while auth is on; false: no limits.")
    per_s: int = Field(60, ge=1, le=86400, description="The window in seconds; 1 to 86400.")
    user: RequestCount = Field(6000, description="Per signed-in user; at least 1.")
    key: RequestCount = Field(60000, description="Per API key; at least 1.")
    address: RequestCount = Field(600, description="Per address, without credential; at least 1.")
    login: RequestCount = Field(
        30, description="Logins, registrations and refreshes per address; at least 1."
    )

    def per_class(self) -> Mapping[str, int]:
        return {
            "user": self.user,
            "key": self.key,
            "address": self.address,
            "login": self.login,
        }


class CorsConfig(Section):
    origins: tuple[Annotated[str, AfterValidator(_origin)], ...] = Field(
        (), description='Origins such as https://app.example.com whose pages may call, or "*".'
    )
    max_age_s: int = Field(600, ge=0, le=86400, description="How long a preflight is kept.")


_READER = (Scope.MODELS_READ, Scope.GPU_READ, Scope.AUTOSCALER_READ)
_USER = (Scope.PREDICT, Scope.AUDIO, *_READER)
_OPERATOR = (
    *_USER,
    Scope.MODELS_WRITE,
    Scope.AUTOSCALER_WRITE,
    Scope.LOGS_READ,
    Scope.SERVER_WRITE,
)

Roles = dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,31}$")], tuple[Scope, ...]]

_ROLES: Roles = {
    "viewer": _READER,
    "user": _USER,
    "operator": _OPERATOR,
    ADMIN_ROLE: (Scope.ADMIN,),
}


class AuthConfig(Section):
    """All sections; every key has a default, so an empty file is a whole configuration."""

    tokens: TokensConfig = TokensConfig()
    passwords: PasswordsConfig = PasswordsConfig()
    registration: RegistrationConfig = RegistrationConfig()
    lockout: LockoutConfig = LockoutConfig()
    rate_limits: RateLimitsConfig = RateLimitsConfig()
    cors: CorsConfig = CorsConfig()
    roles: Roles = Field(default_factory=lambda: dict(_ROLES))

    def scopes_of(self, role: str) -> frozenset[Scope]:
        """A role's scopes; none for a role that auth.yaml no longer has."""
        return frozenset(self.roles.get(role, ()))


def load_auth_config(path: Path | None) -> tuple[AuthConfig, Mapping[str, str]]:
    """The configuration and, per ``section.key``, the file and line it came from.

    Raises: SettingsError: every wrong key and value, with file, line and what is allowed.
    """
    layers = Layers()
    if path is not None and path.is_file():
        read_file(path, AuthConfig, layers)
    config = validated(AuthConfig, layers)
    _check_together(config, layers.sources)
    return config, layers.sources


def _check_together(config: AuthConfig, sources: Mapping[str, str]) -> None:
    """What one key can't be told alone."""
    registration, roles = config.registration.role, config.roles
    if Scope.ADMIN not in roles.get(ADMIN_ROLE, ()):
        where = sources.get(f"roles.{ADMIN_ROLE}") or next(iter(sources.values()), "auth.yaml")
        raise SettingsError(
            f"{where}: roles.{ADMIN_ROLE}: the role must be there, with the scope admin, or "
            "nobody could manage users"
        )
    where = sources.get("registration.role") or "auth.yaml"
    if registration not in roles:
        raise SettingsError(
            f"{where}: registration.role: no such role {registration!r}; "
            f"allowed: {', '.join(roles)}"
        )
    if Scope.ADMIN in roles[registration]:
        raise SettingsError(
            f"{where}: registration.role: {registration!r} has the scope admin; whoever registers "
            "can't be given that"
        )
    if config.lockout.first_s > config.lockout.max_s:
        where = sources.get("lockout.first_s") or sources.get("lockout.max_s") or "auth.yaml"
        raise SettingsError(f"{where}: lockout.first_s: must not be above lockout.max_s")
