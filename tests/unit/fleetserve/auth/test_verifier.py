import asyncio

import pytest

from fleetserve.auth.api_keys import KeyRecord, digest, new_key
from fleetserve.auth.principals import PrincipalKind
from fleetserve.auth.public_keys import FRESH_S
from fleetserve.auth.revocations import Revocation, RevocationList, RevokedKind
from fleetserve.auth.scopes import Scope
from fleetserve.auth.source.memory import MemoryAuthSource
from fleetserve.auth.verifier import KEY_FRESH_S, KEY_RETRY_S, KEY_STALE_S, UNKNOWN_S, AuthVerifier
from fleetserve.clock import ManualClock
from fleetserve.errors import UnauthorizedError, UnavailableError
from tests.unit.fleetserve.auth.signed import Signer, claims

SIGNER = Signer()
KEY = new_key()
NOW_S = 1000


class Gateway:
    """A verifier and what it stands between."""

    def __init__(self) -> None:
        self.clock = ManualClock(NOW_S)
        self.source = MemoryAuthSource()
        self.source.jwks = [SIGNER.jwk]
        self.revoked = RevocationList(self.clock)
        self.verifier = AuthVerifier(self.source, self.revoked, self.clock)

    def give_key(self, key: str = KEY, *, version: int = 1, for_s: float = 1e6) -> KeyRecord:
        expires_at = self.clock.now_s() + for_s
        record = KeyRecord("k1", "ada", "id-of-ada", version, ("predict",), expires_at)
        self.source.keys[digest(key)] = record
        return record

    def revoke(self, kind: RevokedKind, subject: str, version: int = 0) -> None:
        self.revoked.add([Revocation(kind, subject, self.clock.now_s() + 1e5, version)])

    async def refusal(self, credential: str) -> str:
        with pytest.raises(UnauthorizedError) as caught:
            await self.verifier.check(credential)
        return caught.value.code


@pytest.fixture
def gateway() -> Gateway:
    return Gateway()


async def test_token_becomes_its_user_with_its_scopes(gateway: Gateway) -> None:
    principal = await gateway.verifier.check(SIGNER.token(claims()))
    assert principal.name == "user:ada"
    assert principal.kind is PrincipalKind.USER
    assert principal.scopes == {Scope.PREDICT, Scope.MODELS_READ}
    assert (principal.owner, principal.limit) == ("ada", "user")


async def test_token_is_verified_once_and_then_known_until_it_expires(gateway: Gateway) -> None:
    token = SIGNER.token(claims(for_s=60))
    assert gateway.verifier.known(token) is None
    principal = await gateway.verifier.check(token)
    gateway.source.away = True
    gateway.clock.move(59)
    assert gateway.verifier.known(token) is principal
    gateway.clock.move(1)
    assert gateway.verifier.known(token) is None
    assert await gateway.refusal(token) == "token_expired"


async def test_token_of_another_fleet_is_refused(gateway: Gateway) -> None:
    assert await gateway.refusal(Signer("k2").token(claims())) == "token_invalid"
    assert await gateway.refusal(Signer("k1").token(claims())) == "token_invalid"


async def test_logged_out_session_is_refused_at_once(gateway: Gateway) -> None:
    token, other = SIGNER.token(claims()), SIGNER.token(claims(session="s2"))
    await gateway.verifier.check(token)
    await gateway.verifier.check(other)
    gateway.revoke(RevokedKind.SESSION, "s1")
    assert gateway.verifier.known(token) is None
    assert await gateway.refusal(token) == "token_revoked"
    assert gateway.verifier.known(other) is not None


async def test_revocation_that_came_before_the_token_counts_too(gateway: Gateway) -> None:
    gateway.revoke(RevokedKind.SESSION, "s1")
    assert await gateway.refusal(SIGNER.token(claims())) == "token_revoked"


async def test_changed_user_needs_a_new_token_and_the_new_one_holds(gateway: Gateway) -> None:
    old, new = SIGNER.token(claims(version=1)), SIGNER.token(claims(version=2))
    await gateway.verifier.check(old)
    gateway.revoke(RevokedKind.USER, "id-of-ada", 2)
    assert await gateway.refusal(old) == "token_revoked"
    assert (await gateway.verifier.check(new)).owner == "ada"


async def test_key_becomes_its_principal(gateway: Gateway) -> None:
    gateway.give_key()
    principal = await gateway.verifier.check(KEY)
    assert principal.name == "key:k1"
    assert principal.kind is PrincipalKind.KEY
    assert principal.scopes == {Scope.PREDICT}
    assert (principal.owner, principal.limit) == ("ada", "key")


async def test_key_is_asked_for_once_a_minute(gateway: Gateway) -> None:
    gateway.give_key()
    for _ in range(3):
        await gateway.verifier.check(KEY)
    assert gateway.source.asked_keys == 1
    gateway.clock.move(KEY_FRESH_S)
    await gateway.verifier.check(KEY)
    assert gateway.source.asked_keys == 2


async def test_key_used_by_many_at_once_is_asked_for_once(gateway: Gateway) -> None:
    gateway.give_key()
    await asyncio.gather(*(gateway.verifier.check(KEY) for _ in range(10)))
    assert gateway.source.asked_keys == 1


async def test_key_expires_although_it_was_cached(gateway: Gateway) -> None:
    gateway.give_key(for_s=30)
    await gateway.verifier.check(KEY)
    gateway.clock.move(30)
    assert gateway.verifier.known(KEY) is None
    assert await gateway.refusal(KEY) == "key_invalid"


async def test_deleted_key_is_refused_at_once(gateway: Gateway) -> None:
    gateway.give_key()
    await gateway.verifier.check(KEY)
    gateway.source.keys.clear()
    gateway.revoke(RevokedKind.KEY, "k1")
    assert await gateway.refusal(KEY) == "key_invalid"


async def test_deleted_key_is_refused_even_by_an_old_answer(gateway: Gateway) -> None:
    gateway.give_key()
    gateway.revoke(RevokedKind.KEY, "k1")
    assert await gateway.refusal(KEY) == "key_invalid"
    assert gateway.verifier.known(KEY) is None


async def test_key_of_a_changed_user_is_asked_for_again(gateway: Gateway) -> None:
    gateway.give_key(version=1)
    await gateway.verifier.check(KEY)
    gateway.revoke(RevokedKind.USER, "id-of-ada", 2)
    with pytest.raises(UnavailableError):
        await gateway.verifier.check(KEY)
    gateway.give_key(version=2)
    assert (await gateway.verifier.check(KEY)).name == "key:k1"


async def test_unknown_key_is_not_asked_for_again_for_a_while(gateway: Gateway) -> None:
    for _ in range(3):
        assert await gateway.refusal(KEY) == "key_invalid"
    assert gateway.source.asked_keys == 1
    gateway.give_key()
    gateway.clock.move(UNKNOWN_S)
    assert (await gateway.verifier.check(KEY)).name == "key:k1"


async def test_nonsense_asks_nobody(gateway: Gateway) -> None:
    for nonsense in ("sk_", "sk_x", "x", "", "a.b.c"):
        await gateway.refusal(nonsense)
    assert (gateway.source.asked_keys, gateway.source.asked_jwks) == (0, 0)


async def test_cached_credentials_go_on_while_auth_svc_is_away(gateway: Gateway) -> None:
    gateway.give_key()
    token = SIGNER.token(claims())
    await gateway.verifier.check(KEY)
    await gateway.verifier.check(token)
    gateway.source.away = True
    gateway.clock.move(FRESH_S * 2)
    assert (await gateway.verifier.check(KEY)).name == "key:k1"
    assert (await gateway.verifier.check(token)).name == "user:ada"
    another = SIGNER.token(claims(session="s9"))
    assert (await gateway.verifier.check(another)).name == "user:ada"


async def test_auth_svc_that_is_away_is_asked_every_few_seconds_only(gateway: Gateway) -> None:
    gateway.give_key()
    await gateway.verifier.check(KEY)
    gateway.source.away = True
    gateway.clock.move(KEY_FRESH_S)
    for _ in range(10):
        await gateway.verifier.check(KEY)
        gateway.clock.move(KEY_RETRY_S / 10)
    assert gateway.source.asked_keys == 2


async def test_other_credentials_get_a_503_that_says_so(gateway: Gateway) -> None:
    gateway.source.away = True
    for credential in (KEY, SIGNER.token(claims())):
        with pytest.raises(UnavailableError) as caught:
            await gateway.verifier.check(credential)
        assert caught.value.code == "auth_unavailable"
        assert "auth-svc" in caught.value.detail


async def test_key_revoked_while_auth_svc_is_away_does_not_go_on(gateway: Gateway) -> None:
    gateway.give_key()
    await gateway.verifier.check(KEY)
    gateway.source.away = True
    gateway.revoke(RevokedKind.KEY, "k1")
    with pytest.raises(UnavailableError):
        await gateway.verifier.check(KEY)


async def test_key_goes_on_without_auth_svc_for_a_day_at_most(gateway: Gateway) -> None:
    gateway.give_key()
    await gateway.verifier.check(KEY)
    gateway.source.away = True
    gateway.clock.move(KEY_STALE_S - 1)
    await gateway.verifier.check(KEY)
    gateway.clock.move(KEY_RETRY_S)
    with pytest.raises(UnavailableError):
        await gateway.verifier.check(KEY)


async def test_key_deleted_behind_redis_back_is_noticed_within_a_minute(gateway: Gateway) -> None:
    gateway.give_key()
    await gateway.verifier.check(KEY)
    gateway.source.keys.clear()
    gateway.clock.move(KEY_FRESH_S)
    assert await gateway.refusal(KEY) == "key_invalid"
    gateway.source.away = True
    gateway.clock.move(UNKNOWN_S)
    with pytest.raises(UnavailableError):
        await gateway.verifier.check(KEY)


async def test_memory_for_unknown_keys_is_bounded(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fleetserve.auth.verifier.MAX_UNKNOWN", 10)
    for _ in range(25):
        await gateway.refusal(new_key())
    assert len(gateway.verifier._unknown) <= 10
