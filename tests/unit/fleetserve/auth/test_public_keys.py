import asyncio

import orjson
import pytest

from fleetserve.auth.public_keys import ASK_AGAIN_S, FRESH_S, PublicKeys, parse_jwks
from fleetserve.auth.source.memory import MemoryAuthSource
from fleetserve.clock import ManualClock
from fleetserve.errors import UnauthorizedError, UnavailableError
from tests.unit.fleetserve.auth.signed import Signer


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(1000)


@pytest.fixture
def source() -> MemoryAuthSource:
    source = MemoryAuthSource()
    source.jwks = [Signer("old").jwk]
    return source


@pytest.fixture
def keys(source: MemoryAuthSource, clock: ManualClock) -> PublicKeys:
    return PublicKeys(source, clock)


async def test_keys_are_asked_for_once(keys: PublicKeys, source: MemoryAuthSource) -> None:
    for _ in range(3):
        await keys.get("old")
    assert source.asked_jwks == 1


async def test_many_at_once_ask_once(keys: PublicKeys, source: MemoryAuthSource) -> None:
    await asyncio.gather(*(keys.get("old") for _ in range(5)))
    assert source.asked_jwks == 1


async def test_new_key_is_found_at_its_first_use(
    keys: PublicKeys, source: MemoryAuthSource, clock: ManualClock
) -> None:
    await keys.get("old")
    source.jwks.append(Signer("new").jwk)
    clock.move(ASK_AGAIN_S)
    await keys.get("new")
    assert source.asked_jwks == 2


async def test_made_up_key_ids_ask_no_more_than_every_other_second(
    keys: PublicKeys, source: MemoryAuthSource, clock: ManualClock
) -> None:
    for number in range(10):
        with pytest.raises(UnauthorizedError):
            await keys.get(f"made-up-{number}")
        clock.move(ASK_AGAIN_S / 10)
    assert source.asked_jwks <= 2


async def test_withdrawn_key_is_noticed(
    keys: PublicKeys, source: MemoryAuthSource, clock: ManualClock
) -> None:
    await keys.get("old")
    source.jwks = [Signer("new").jwk]
    clock.move(FRESH_S)
    with pytest.raises(UnauthorizedError):
        await keys.get("old")


async def test_known_key_goes_on_while_auth_svc_is_away(
    keys: PublicKeys, source: MemoryAuthSource, clock: ManualClock
) -> None:
    before = await keys.get("old")
    source.away = True
    clock.move(FRESH_S * 10)
    assert await keys.get("old") is before


async def test_unknown_key_is_a_503_while_auth_svc_is_away(
    keys: PublicKeys, source: MemoryAuthSource
) -> None:
    source.away = True
    with pytest.raises(UnavailableError) as caught:
        await keys.get("old")
    assert caught.value.code == "auth_unavailable"
    assert "auth-svc" in caught.value.detail
    assert "Retry-After" in caught.value.headers


@pytest.mark.parametrize("raw", [b"", b"{}", b"[]", b'{"keys": [{}]}', b'{"keys": 3}'])
def test_what_is_no_jwks_is_refused(raw: bytes) -> None:
    with pytest.raises(UnavailableError):
        parse_jwks(raw)


def test_keys_of_other_kinds_are_left_out() -> None:
    octets = {"kty": "oct", "k": "AAAA", "kid": "o"}
    assert set(parse_jwks(orjson.dumps({"keys": [octets, Signer("a").jwk]}))) == {"a"}
