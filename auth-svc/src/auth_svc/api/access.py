"""Who calls: FastAPI dependencies."""

from typing import Annotated

from fastapi import Depends, Request

from auth_svc.callers import Caller
from auth_svc.services import AuthServices
from fleetserve.asgi import header
from fleetserve.errors import UnauthorizedError


async def auth_services(request: Request) -> AuthServices:
    services: AuthServices = request.app.state.auth
    return services


Services = Annotated[AuthServices, Depends(auth_services)]


def maybe_caller(request: Request, services: Services) -> Caller | None:
    """Who calls; None without a credential. Raises: UnauthorizedError: one that does not hold."""
    scope = request.scope
    return services.callers.identify(header(scope, b"authorization"), header(scope, b"x-api-key"))


MaybeCaller = Annotated[Caller | None, Depends(maybe_caller)]


async def caller(found: MaybeCaller) -> Caller:
    """Who calls. Raises: UnauthorizedError: nobody, or a credential that does not hold."""
    if found is None:
        raise UnauthorizedError(
            "Log in first (POST /auth/login) and send Authorization: Bearer <access token>.",
            code="credential_missing",
        )
    return found


SomeCaller = Annotated[Caller, Depends(caller)]


async def admin(found: SomeCaller) -> Caller:
    """An admin. Raises: ForbiddenError: somebody else."""
    found.require_admin()
    return found


Admin = Annotated[Caller, Depends(admin)]
