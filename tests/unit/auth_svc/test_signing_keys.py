import stat
from pathlib import Path

import orjson
import pytest

from auth_svc.signing_keys import DAY_S, SigningKeys
from fleetserve.auth.public_keys import parse_jwks
from fleetserve.clock import ManualClock

NOW_S = 1_800_000_000.0


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW_S)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "keys"


def make(folder: Path, clock: ManualClock, days: int = 10) -> SigningKeys:
    return SigningKeys(folder, clock, days=days, token_s=1800)


def test_only_the_service_can_read_the_key(folder: Path, clock: ManualClock) -> None:
    make(folder, clock)
    (file,) = folder.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_key_outlives_a_restart(folder: Path, clock: ManualClock) -> None:
    before = make(folder, clock).current()
    after = make(folder, clock).current()
    assert after.id == before.id
    assert after.public.public_bytes_raw() == before.public.public_bytes_raw()


def test_gateways_can_read_what_is_published_and_it_has_nothing_private(
    folder: Path, clock: ManualClock
) -> None:
    keys = make(folder, clock)
    (entry,) = orjson.loads(keys.jwks())["keys"]
    assert set(entry) == {"kty", "crv", "x", "kid", "use", "alg"}
    assert set(parse_jwks(keys.jwks())) == {keys.current().id}


def test_new_key_is_made_in_time_and_the_old_one_is_published_on(
    folder: Path, clock: ManualClock
) -> None:
    keys = make(folder, clock)
    old = keys.current()
    clock.move(10 * DAY_S - 1)
    keys.renew()
    assert keys.current().id == old.id
    clock.move(1)
    keys.renew()
    assert keys.current().id != old.id
    assert keys.public(old.id) is not None
    assert set(parse_jwks(keys.jwks())) == {old.id, keys.current().id}


def test_old_key_goes_when_no_token_of_it_can_hold(folder: Path, clock: ManualClock) -> None:
    keys = make(folder, clock)
    old = keys.current()
    clock.move(10 * DAY_S)
    keys.renew()
    clock.move(DAY_S + 1800)
    keys.renew()
    assert keys.public(old.id) is None
    assert len(list(folder.iterdir())) == 1


def test_key_of_another_process_is_published_too(folder: Path, clock: ManualClock) -> None:
    mine = make(folder, clock)
    clock.move(10 * DAY_S)
    theirs = make(folder, clock)
    assert mine.public(theirs.current().id) is None
    mine.renew()
    assert mine.current().id == theirs.current().id


def test_foreign_file_is_passed_over(folder: Path, clock: ManualClock) -> None:
    keys = make(folder, clock)
    (file,) = folder.iterdir()
    (folder / "notes.pem").write_bytes(file.read_bytes())
    keys.renew()
    assert len(orjson.loads(keys.jwks())["keys"]) == 1
