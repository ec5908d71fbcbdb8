"""POST /auth/register, GET /auth/profile, PUT /auth/password."""

from typing import Annotated

from fastapi import APIRouter, Body, Response

from auth_svc.accounts import NewUser
from auth_svc.api import requests
from auth_svc.api.access import MaybeCaller, Services, SomeCaller
from auth_svc.api.answers import (
    ProfileAnswer,
    TokenAnswer,
    UserAnswer,
    credential_entry,
    token_answer,
    user_entry,
)
from auth_svc.api.errors import errors
from fleetserve.auth.scopes import Scope

account_router = APIRouter(prefix="/auth", tags=["auth"])


@account_router.post(
    "/register", status_code=201, summary="Register a user", responses=errors(401, 403, 409, 422)
)
def register(
    body: Annotated[requests.RegisterBody, Body(openapi_examples=requests.REGISTER)],
    services: Services,
    caller: MaybeCaller,
) -> UserAnswer:
    """A new user with the role that auth.yaml gives new users.

    Where auth.yaml has registration closed, only an admin can do it.
    """
    new = NewUser(body.username, body.email, body.password, body.full_name)
    is_admin = caller is not None and Scope.ADMIN in caller.scopes
    user = services.accounts.register(new, allowed=is_admin or not services.auth_enabled)
    return UserAnswer(user=user_entry(user, services.config))


@account_router.get("/profile", summary="Who you are", responses=errors(401))
def profile(services: Services, caller: SomeCaller) -> ProfileAnswer:
    """The user of the credential, and what the credential allows."""
    return ProfileAnswer(
        user=user_entry(caller.user, services.config), credential=credential_entry(caller)
    )


@account_router.put(
    "/password", summary="Change your password", responses=errors(401, 403, 422, 429, 503)
)
def change_password(
    body: Annotated[requests.PasswordBody, Body(openapi_examples=requests.PASSWORD)],
    services: Services,
    caller: SomeCaller,
    response: Response,
) -> TokenAnswer:
    """Ends every session of yours, this one too, and answers with a new one. API keys stay."""
    caller.require_session()
    user, pair = services.accounts.change_password(
        caller.user, body.current_password, body.new_password
    )
    response.headers["Cache-Control"] = "no-store"
    return token_answer(user, pair, services.config)
