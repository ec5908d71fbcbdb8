from auth_svc.api.answers import key_entry, time_of, user_entry
from auth_svc.identities import ApiKey, User
from fleetserve.auth.config import AuthConfig
from fleetserve.auth.scopes import Scope

ADA = User("u1", "Ada", "a@b.c", "", "$argon2id$secret", "user", 1_800_000_000.5)
KEY = ApiKey("k1", "u1", "ci", "digest-of-it", "sk_abcd", (Scope.PREDICT,), 100.0, 200.0)


def test_times_are_iso_8601_in_utc() -> None:
    assert time_of(1_800_000_000.5).isoformat() == "2027-01-15T08:00:00.500000+00:00"


def test_user_is_shown_without_the_hash() -> None:
    entry = user_entry(ADA, AuthConfig())
    assert "secret" not in entry.model_dump_json()
    assert entry.scopes == sorted(AuthConfig().scopes_of("user"))


def test_key_is_shown_without_the_digest_and_says_when_it_has_expired() -> None:
    assert "digest-of-it" not in key_entry(KEY, 150).model_dump_json()
    assert not key_entry(KEY, 199.9).expired
    assert key_entry(KEY, 200).expired
