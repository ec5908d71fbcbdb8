"""GET /auth/users, PATCH and DELETE /auth/users/{name}: for admins."""

from typing import Annotated

from fastapi import APIRouter, Body, Path, Query

from auth_svc.accounts import UserPatch
from auth_svc.api import requests
from auth_svc.api.access import Admin, Services
from auth_svc.api.answers import MessageAnswer, UserAnswer, UserListAnswer, user_entry
from auth_svc.api.errors import errors

users_router = APIRouter(prefix="/auth/users", tags=["auth"])

UserName = Annotated[
    str,
    Path(
        description="The user's name, whatever its case.",
        max_length=64,
        examples=[requests.EXAMPLE_USER],
    ),
]


@users_router.get("", summary="All users (admin)", responses=errors(401, 403))
def list_users(
    services: Services,
    _: Admin,
    offset: Annotated[int, Query(ge=0)] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> UserListAnswer:
    """By name; ``total`` counts them all."""
    total, users = services.accounts.page(offset, limit)
    return UserListAnswer(total=total, users=[user_entry(user, services.config) for user in users])


@users_router.patch(
    "/{name}", summary="Change a user (admin)", responses=errors(401, 403, 404, 409, 422)
)
def patch_user(
    name: UserName,
    body: Annotated[requests.UserPatchBody, Body(openapi_examples=requests.USER_PATCH)],
    services: Services,
    admin: Admin,
) -> UserAnswer:
    """Role, name, email, a new password, disabled or not. It counts at once, at every gateway."""
    patch = UserPatch(**body.model_dump())
    user = services.accounts.patch(name, patch, by=admin.user)
    return UserAnswer(user=user_entry(user, services.config))


@users_router.delete(
    "/{name}", summary="Delete a user (admin)", responses=errors(401, 403, 404, 409)
)
def delete_user(name: UserName, services: Services, admin: Admin) -> MessageAnswer:
    """The user, every session and every API key; the last admin can't be deleted."""
    services.accounts.delete(name, by=admin.user)
    return MessageAnswer(message=f"The user {name!r} is deleted.")
