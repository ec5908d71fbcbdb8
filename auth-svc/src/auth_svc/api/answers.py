"""The answers of /auth/…, as they go over the wire. Times are ISO 8601 in UTC."""

from datetime import UTC, datetime
from typing import Literal

from pydantic import BaseModel, Field

from auth_svc.callers import Caller
from auth_svc.identities import ApiKey, User
from auth_svc.token_maker import TokenPair
from fleetserve.auth.config import AuthConfig


class UserEntry(BaseModel):
    """A user; the password's hash is never shown."""

    username: str = Field(examples=["ada"])
    email: str = Field(examples=["ada@example.com"])
    full_name: str
    role: str = Field(examples=["user"])
    scopes: list[str] = Field(description="What the role allows.")
    disabled: bool
    created_at: datetime
    last_login_at: datetime | None


class TokenEntry(BaseModel):
    access_token: str = Field(description="For Authorization: Bearer.")
    refresh_token: str = Field(description="For POST /auth/refresh, once.")
    token_type: Literal["bearer"] = "bearer"  # noqa: S105 - the type's name
    expires_in: int = Field(description="The access token's lifetime in seconds.", examples=[1800])


class KeyEntry(BaseModel):
    """An API key as it is listed: neither the key nor its hash."""

    id: str
    name: str
    hint: str = Field(description="How the key begins.", examples=["sk_Xy3f"])
    scopes: list[str]
    created_at: datetime
    expires_at: datetime
    expired: bool
    last_used_at: datetime | None = Field(
        description="When a gateway last asked for it; gateways ask once a minute at most."
    )


class CredentialEntry(BaseModel):
    kind: Literal["session", "api_key"]
    scopes: list[str]
    expires_at: datetime


class UserAnswer(BaseModel):
    success: Literal[True] = True
    user: UserEntry


class TokenAnswer(BaseModel):
    success: Literal[True] = True
    token: TokenEntry
    user: UserEntry


class ProfileAnswer(BaseModel):
    success: Literal[True] = True
    user: UserEntry
    credential: CredentialEntry = Field(description="What this request came with.")


class LogoutAnswer(BaseModel):
    success: Literal[True] = True
    message: str
    sessions_ended: int


class MessageAnswer(BaseModel):
    success: Literal[True] = True
    message: str


class NewKeyAnswer(BaseModel):
    success: Literal[True] = True
    api_key: str = Field(description="The key; it is shown this once.", examples=["sk_…"])
    key: KeyEntry


class KeyListAnswer(BaseModel):
    success: Literal[True] = True
    total: int
    api_keys: list[KeyEntry]


class UserListAnswer(BaseModel):
    success: Literal[True] = True
    total: int
    users: list[UserEntry]


def time_of(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def user_entry(user: User, config: AuthConfig) -> UserEntry:
    return UserEntry(
        username=user.username,
        email=user.email,
        full_name=user.full_name,
        role=user.role,
        scopes=sorted(config.scopes_of(user.role)),
        disabled=user.disabled,
        created_at=time_of(user.created_at),
        last_login_at=None if user.last_login_at is None else time_of(user.last_login_at),
    )


def token_answer(user: User, pair: TokenPair, config: AuthConfig) -> TokenAnswer:
    token = TokenEntry(
        access_token=pair.access_token,
        refresh_token=pair.refresh_token,
        expires_in=pair.expires_in,
    )
    return TokenAnswer(token=token, user=user_entry(user, config))


def key_entry(key: ApiKey, now_s: float) -> KeyEntry:
    return KeyEntry(
        id=key.id,
        name=key.name,
        hint=key.hint,
        scopes=list(key.scopes),
        created_at=time_of(key.created_at),
        expires_at=time_of(key.expires_at),
        expired=key.expires_at <= now_s,
        last_used_at=None if key.last_used_at is None else time_of(key.last_used_at),
    )


def credential_entry(caller: Caller) -> CredentialEntry:
    return CredentialEntry(
        kind="session" if caller.session_id else "api_key",
        scopes=sorted(caller.scopes),
        expires_at=time_of(caller.expires_at),
    )
