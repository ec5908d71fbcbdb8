import pytest

from auth_svc.identities import User
from auth_svc.services import AuthServices
from auth_svc.token_maker import new_secret, secret_digest, split_refresh_token
from fleetserve.auth.access_claims import key_id_of, read_claims
from fleetserve.clock import ManualClock


def test_access_token_says_who_until_when_and_what(
    services: AuthServices, ada: User, clock: ManualClock
) -> None:
    pair = services.sign_in.open_session(ada)
    key = services.signing_keys.current()
    assert key_id_of(pair.access_token) == key.id
    claims = read_claims(pair.access_token, key.public, clock.now_s())
    assert (claims.user, claims.user_id, claims.version) == ("Ada", ada.id, 1)
    assert claims.scopes == services.config.scopes_of("user")
    assert claims.expires_at - claims.issued_at == pair.expires_in == 1800
    assert split_refresh_token(pair.refresh_token)[0] == claims.session_id


def test_two_tokens_of_one_second_differ(services: AuthServices, ada: User) -> None:
    pairs = [services.sign_in.open_session(ada) for _ in range(2)]
    refreshed = services.sign_in.refresh(pairs[0].refresh_token)[1]
    assert len({pairs[0].access_token, pairs[1].access_token, refreshed.access_token}) == 3


@pytest.mark.parametrize("text", ["", ".", "a.", ".b", "ab"])
def test_what_is_no_refresh_token_is_split_into_nothing(text: str) -> None:
    assert split_refresh_token(text) == ("", "")


def test_secrets_are_long_and_stored_by_digest() -> None:
    secret = new_secret()
    assert len(secret) == 43
    assert len(secret_digest(secret)) == 64
    assert secret not in secret_digest(secret)
