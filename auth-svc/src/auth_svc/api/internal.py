"""What gateways ask; every call needs the gateway's own service token."""

from typing import Annotated

from fastapi import APIRouter, Path
from fastapi.responses import Response

from auth_svc.api.access import Services
from fleetserve.auth.api_keys import encode_key_record
from fleetserve.auth.source.service import JWKS_PATH, KEY_PATH
from fleetserve.errors import NotFoundError

internal_router = APIRouter(include_in_schema=False)


@internal_router.get(JWKS_PATH)
def jwks(services: Services) -> Response:
    """The public keys of the access tokens."""
    return Response(services.signing_keys.jwks(), media_type="application/jwk-set+json")


@internal_router.get(KEY_PATH + "{key_digest}")
def key(key_digest: Annotated[str, Path(pattern="^[0-9a-f]{64}$")], services: Services) -> Response:
    """The API key with that SHA-256, if it may be used now."""
    record = services.key_ring.record(key_digest)
    if record is None:
        raise NotFoundError("No API key with this digest holds.", code="key_not_found")
    return Response(encode_key_record(record), media_type="application/json")
