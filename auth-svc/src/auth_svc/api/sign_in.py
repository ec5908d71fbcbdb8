"""POST /auth/login, /auth/refresh, /auth/logout.

The handlers are plain functions: they run in threads, as passwords and the database block.
"""

from typing import Annotated

from fastapi import APIRouter, Body, Query, Response

from auth_svc.api import requests
from auth_svc.api.access import Services, SomeCaller
from auth_svc.api.answers import LogoutAnswer, TokenAnswer, token_answer
from auth_svc.api.errors import errors

sign_in_router = APIRouter(prefix="/auth", tags=["auth"])


@sign_in_router.post("/login", summary="Log in", responses=errors(401, 403, 422, 429, 503))
def login(
    body: Annotated[requests.LoginBody, Body(openapi_examples=requests.LOGIN)],
    services: Services,
    response: Response,
) -> TokenAnswer:
    """A new session: an access token for half an hour and a refresh token for the next one.

    Five wrong passwords in a row lock the name, each further one for twice as long.
    """
    _keep_private(response)
    user, pair = services.sign_in.login(body.username, body.password)
    return token_answer(user, pair, services.config)


@sign_in_router.post("/refresh", summary="Get new tokens", responses=errors(401, 422))
def refresh(
    body: Annotated[requests.RefreshBody, Body(openapi_examples=requests.REFRESH)],
    services: Services,
    response: Response,
) -> TokenAnswer:
    """New tokens of the same session; the refresh token that was sent is used up.

    One that comes a second time ends the whole session, since two have it.
    """
    _keep_private(response)
    user, pair = services.sign_in.refresh(body.refresh_token)
    return token_answer(user, pair, services.config)


@sign_in_router.post("/logout", summary="Log out", responses=errors(401, 403))
def logout(
    services: Services,
    caller: SomeCaller,
    everywhere: Annotated[
        bool, Query(alias="all", description="Every session of this user, not only this one.")
    ] = False,
    body: Annotated[requests.LogoutBody | None, Body(openapi_examples=requests.LOGOUT)] = None,
) -> LogoutAnswer:
    """Ends this session, or every one; their tokens hold no longer, at any gateway."""
    session_id = caller.require_session()
    if everywhere or (body is not None and body.all):
        ended = services.sign_in.logout_everywhere(caller.user)
        return LogoutAnswer(message="Every session is logged out.", sessions_ended=ended)
    services.sign_in.logout(caller.user, session_id)
    return LogoutAnswer(message="This session is logged out.", sessions_ended=1)


def _keep_private(response: Response) -> None:
    response.headers["Cache-Control"] = "no-store"
