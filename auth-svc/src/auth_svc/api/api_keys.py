"""POST /auth/generate-key, GET /auth/api-keys, DELETE /auth/api-keys/{id}."""

from typing import Annotated

from fastapi import APIRouter, Body, Path, Response

from auth_svc.api import requests
from auth_svc.api.access import Services, SomeCaller
from auth_svc.api.answers import KeyListAnswer, MessageAnswer, NewKeyAnswer, key_entry
from auth_svc.api.errors import errors

api_keys_router = APIRouter(prefix="/auth", tags=["auth"])


@api_keys_router.post(
    "/generate-key",
    status_code=201,
    summary="Make an API key",
    responses=errors(401, 403, 409, 422),
)
def generate_key(
    body: Annotated[requests.GenerateKeyBody, Body(openapi_examples=requests.GENERATE_KEY)],
    services: Services,
    caller: SomeCaller,
    response: Response,
) -> NewKeyAnswer:
    """A key for programs, as X-API-Key or Authorization: Bearer. It is shown this once."""
    caller.require_session()
    key, text = services.key_ring.generate(
        caller.user, body.name, body.scopes, body.expires_in_days
    )
    response.headers["Cache-Control"] = "no-store"
    return NewKeyAnswer(api_key=text, key=key_entry(key, services.clock.now_s()))


@api_keys_router.get("/api-keys", summary="Your API keys", responses=errors(401))
def list_keys(services: Services, caller: SomeCaller) -> KeyListAnswer:
    """What the keys are for and until when; the keys themselves are not kept anywhere."""
    now_s = services.clock.now_s()
    keys = [key_entry(key, now_s) for key in services.key_ring.of_user(caller.user)]
    return KeyListAnswer(total=len(keys), api_keys=keys)


@api_keys_router.delete(
    "/api-keys/{key_id}", summary="Delete an API key", responses=errors(401, 403, 404)
)
def delete_key(
    key_id: Annotated[str, Path(description="As GET /auth/api-keys lists it.", max_length=64)],
    services: Services,
    caller: SomeCaller,
) -> MessageAnswer:
    """The key holds no longer, at any gateway. An admin can delete anybody's."""
    caller.require_session()
    key = services.key_ring.delete(caller.user, key_id)
    return MessageAnswer(message=f"The key {key.name!r} is deleted.")
