"""Which credential a request carries."""

from fleetserve.errors import UnauthorizedError


def credential_of(
    authorization: bytes | None = None,
    api_key: bytes | None = None,
    token: str | None = None,
) -> str | None:
    """The access token or API key: of Authorization, else of X-API-Key, else of the body.

    Raises: UnauthorizedError: the Authorization header is not Bearer.
    """
    if authorization:
        if authorization[:7] == b"Bearer ":
            return authorization[7:].decode("latin-1")
        return _unusual(authorization)
    if api_key:
        return api_key.decode("latin-1").strip()
    return token or None


def _unusual(authorization: bytes) -> str:
    scheme, _, credential = authorization.partition(b" ")
    if scheme.lower() != b"bearer" or not credential.strip():
        raise UnauthorizedError(
            "Authorization must be: Bearer <access token or API key>.", code="credential_malformed"
        )
    return credential.strip().decode("latin-1")
