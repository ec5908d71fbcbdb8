"""The bodies of /auth/…, with examples that work when they are posted in their order."""

import re
from typing import Annotated, Any

from fastapi.openapi.models import Example
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

from fleetserve.auth.config import MAX_KEY_DAYS
from fleetserve.auth.scopes import Scope

EXAMPLE_USER = "ada"
EXAMPLE_PASSWORD = "correct horse battery"  # noqa: S105 - the documentation's own
NEW_EXAMPLE_PASSWORD = "staple horse correct"  # noqa: S105

_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s.]+(\.[^@\s.]+)*")

Username = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True,
        min_length=3,
        max_length=50,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._@+-]*$",
    ),
]


def _check_email(text: str) -> str:
    if _EMAIL.fullmatch(text) is None:
        raise PydanticCustomError("email", "not an email address, such as ada@example.com")
    return text


Email = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=254),
    AfterValidator(_check_email),
]
FullName = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)]
KeyName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
# How long it may be is the rules' business; this only bounds what is looked at.
Password = Annotated[str, StringConstraints(min_length=1, max_length=4096)]


def example(name: str, value: dict[str, Any]) -> dict[str, Example]:
    """One named example for a route's body."""
    return {name: Example(value=value)}


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class RegisterBody(_Body):
    username: Username = Field(
        description="3 to 50 of letters, digits and . _ - @ +; Ada and ada are one."
    )
    email: Email
    password: Password = Field(description="8 characters or more, and not a common one.")
    full_name: FullName = ""


class LoginBody(_Body):
    username: Annotated[str, StringConstraints(min_length=1, max_length=254)]
    password: Password


class RefreshBody(_Body):
    refresh_token: Annotated[str, StringConstraints(min_length=1, max_length=512)]


class LogoutBody(_Body):
    all: bool = Field(False, description="Every session of this user, not only this one.")


class PasswordBody(_Body):
    current_password: Password
    new_password: Password = Field(description="As at registration.")


class GenerateKeyBody(_Body):
    name: KeyName = Field(description="What it is for; shown in the list.")
    scopes: list[str] | None = Field(
        None,
        description="Some of your own; all of them but admin when left out. Known: "
        + ", ".join(Scope),
    )
    expires_in_days: Annotated[int, Field(ge=1, le=MAX_KEY_DAYS)] | None = Field(
        None, description="1 to 365; auth.yaml's tokens.key_days (90) when left out."
    )


class UserPatchBody(_Body):
    """What is left out stays as it is."""

    email: Email | None = None
    full_name: FullName | None = None
    role: str | None = Field(None, description="One of auth.yaml's roles.")
    disabled: bool | None = Field(
        None, description="true: no login, no token and no key of theirs holds any longer."
    )
    password: Password | None = Field(None, description="A new one; ends every session.")
    unlock: bool = Field(False, description="true: forget the wrong passwords.")


REGISTER = example(
    "a user",
    {
        "username": EXAMPLE_USER,
        "email": "ada@example.com",
        "password": EXAMPLE_PASSWORD,
        "full_name": "Ada Lovelace",
    },
)
LOGIN = example("by name", {"username": EXAMPLE_USER, "password": EXAMPLE_PASSWORD})
REFRESH = example("the login's refresh token", {"refresh_token": "{refresh_token}"})
LOGOUT = example("every session", {"all": True})
PASSWORD = example(
    "a new one",
    {"current_password": EXAMPLE_PASSWORD, "new_password": NEW_EXAMPLE_PASSWORD},
)
GENERATE_KEY = example(
    "for predictions", {"name": "ci", "scopes": ["predict", "audio"], "expires_in_days": 30}
)
USER_PATCH = example("make an operator", {"role": "operator"})
