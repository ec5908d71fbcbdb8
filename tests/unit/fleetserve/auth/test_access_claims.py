import base64

import jwt
import orjson
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from fleetserve.auth.access_claims import (
    ALGORITHM,
    LEEWAY_S,
    MAX_TOKEN_CHARS,
    key_id_of,
    read_claims,
)
from fleetserve.errors import UnauthorizedError
from tests.unit.fleetserve.auth.signed import Signer, claims

SIGNER = Signer()
PUBLIC = SIGNER.private.public_key()
CLAIMS = claims()


def refusal_of(token: str, now_s: float = 1001) -> UnauthorizedError:
    with pytest.raises(UnauthorizedError) as caught:
        read_claims(token, PUBLIC, now_s)
    return caught.value


def test_claims_survive_the_token() -> None:
    assert read_claims(SIGNER.token(CLAIMS), PUBLIC, 1001) == CLAIMS


def test_token_holds_until_its_end_and_no_longer() -> None:
    token = SIGNER.token(CLAIMS)
    assert read_claims(token, PUBLIC, CLAIMS.expires_at - 0.1) == CLAIMS
    refused = refusal_of(token, CLAIMS.expires_at)
    assert refused.code == "token_expired"
    assert "/auth/refresh" in refused.detail


def test_token_from_the_future_is_refused_beyond_the_leeway() -> None:
    token = SIGNER.token(CLAIMS)
    assert read_claims(token, PUBLIC, 1000 - LEEWAY_S) == CLAIMS
    assert refusal_of(token, 1000 - LEEWAY_S - 1).code == "token_invalid"


def test_signature_of_another_key_is_refused() -> None:
    assert refusal_of(Signer().token(CLAIMS)).code == "token_invalid"


@pytest.mark.parametrize("field", sorted(CLAIMS.payload()))
def test_token_without_a_claim_is_refused(field: str) -> None:
    payload = CLAIMS.payload()
    del payload[field]
    assert refusal_of(SIGNER.sign(payload)).code == "token_invalid"


@pytest.mark.parametrize(
    ("field", "value"),
    [("iss", "other"), ("aud", "other"), ("ver", "x"), ("exp", None), ("iat", [])],
)
def test_token_with_a_wrong_claim_is_refused(field: str, value: object) -> None:
    assert refusal_of(SIGNER.token(CLAIMS, **{field: value})).code == "token_invalid"


def test_changed_payload_is_refused() -> None:
    head, payload, signature = SIGNER.token(CLAIMS).split(".")
    content = orjson.loads(base64.urlsafe_b64decode(payload + "=="))
    forged = base64.urlsafe_b64encode(orjson.dumps({**content, "scope": "admin"})).decode()
    assert refusal_of(f"{head}.{forged.rstrip('=')}.{signature}").code == "token_invalid"


def test_token_that_names_another_algorithm_is_refused() -> None:
    raw = PUBLIC.public_bytes(Encoding.Raw, PublicFormat.Raw)
    # The public key taken for a shared secret: the classic confusion of algorithms.
    for token in (
        jwt.encode(CLAIMS.payload(), raw, algorithm="HS256", headers={"kid": "k1"}),
        jwt.encode(CLAIMS.payload(), "", algorithm="none", headers={"kid": "k1"}),
    ):
        with pytest.raises(UnauthorizedError):
            key_id_of(token)
        assert refusal_of(token).code == "token_invalid"


def test_scope_of_a_newer_version_is_passed_over() -> None:
    token = SIGNER.token(CLAIMS, scope="predict time:travel")
    assert read_claims(token, PUBLIC, 1001).scopes == {"predict"}


def test_key_id_is_read_before_anything_is_verified() -> None:
    assert key_id_of(Signer("some-key").token(CLAIMS)) == "some-key"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "a.b.c",
        "Bearer",
        "ä" * 20,
        "e30.e30.",
        "." * 10,
        "x" * (MAX_TOKEN_CHARS + 1),
        jwt.encode({}, SIGNER.private, algorithm=ALGORITHM),
        jwt.encode({}, SIGNER.private, algorithm=ALGORITHM, headers={"kid": ""})[:40],
    ],
)
def test_what_is_no_token_is_refused(text: str) -> None:
    with pytest.raises(UnauthorizedError) as caught:
        key_id_of(text)
    assert caught.value.code == "token_invalid"
