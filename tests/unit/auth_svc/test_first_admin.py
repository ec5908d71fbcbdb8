import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from auth_svc.app import Stores
from auth_svc.first_admin import USERNAME, FirstAdmin
from auth_svc.passwords import PasswordHashes
from auth_svc.revoker import Revoker
from auth_svc.user_changes import UserChanges
from fleetserve.clock import ManualClock
from tests.unit.auth_svc.conftest import add_user


@pytest.fixture
def first_admin(tmp_path: Path, stores: Stores, hashes: PasswordHashes) -> FirstAdmin:
    return FirstAdmin(tmp_path / "auth", stores.users, hashes)


def password_fits(first_admin: FirstAdmin, stores: Stores, hashes: PasswordHashes) -> bool:
    user = stores.users.find(USERNAME)
    assert user is not None
    return hashes.matches(user.password_hash, first_admin.path.read_text().strip())


def test_first_start_makes_an_admin_whose_password_only_the_service_can_read(
    first_admin: FirstAdmin, stores: Stores, hashes: PasswordHashes, clock: ManualClock
) -> None:
    assert first_admin.ensure(clock)
    assert stat.S_IMODE(first_admin.path.stat().st_mode) == 0o600
    assert password_fits(first_admin, stores, hashes)
    assert len(first_admin.path.read_text().strip()) >= 24


def test_no_two_fleets_have_the_same_password(
    tmp_path: Path, stores: Stores, hashes: PasswordHashes, first_admin: FirstAdmin
) -> None:
    first_admin.new_password()
    other = FirstAdmin(tmp_path / "other", stores.users, hashes)
    other.path.parent.mkdir()
    other.new_password()
    assert first_admin.path.read_text() != other.path.read_text()


@pytest.fixture(autouse=True)
def folder(first_admin: FirstAdmin) -> None:
    first_admin.path.parent.mkdir()


def test_second_start_changes_nothing(
    first_admin: FirstAdmin, stores: Stores, clock: ManualClock
) -> None:
    first_admin.ensure(clock)
    before = first_admin.path.read_text(), stores.users.find(USERNAME)
    assert not first_admin.ensure(clock)
    assert (first_admin.path.read_text(), stores.users.find(USERNAME)) == before


def test_fleet_that_has_an_admin_gets_no_other(
    first_admin: FirstAdmin, stores: Stores, hashes: PasswordHashes, clock: ManualClock
) -> None:
    add_user(stores, hashes, "boss", role="admin")
    assert not first_admin.ensure(clock)
    assert stores.users.find(USERNAME) is None
    assert not first_admin.path.exists()


def test_name_that_is_taken_is_left_to_its_owner(
    first_admin: FirstAdmin, stores: Stores, hashes: PasswordHashes, clock: ManualClock
) -> None:
    owner = add_user(stores, hashes, "Admin")
    assert not first_admin.ensure(clock)
    assert stores.users.find(USERNAME) == owner
    assert not first_admin.path.exists()


def test_file_goes_at_the_admins_login_and_at_nobody_elses(
    first_admin: FirstAdmin, clock: ManualClock
) -> None:
    first_admin.ensure(clock)
    first_admin.logged_in("ada")
    assert first_admin.path.exists()
    first_admin.logged_in("admin")
    assert not first_admin.path.exists()
    first_admin.logged_in("admin")


def test_of_many_processes_that_start_at_once_one_makes_the_admin(
    tmp_path: Path, stores: Stores, hashes: PasswordHashes, clock: ManualClock
) -> None:
    several = [FirstAdmin(tmp_path / "auth", stores.users, hashes) for _ in range(4)]
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(lambda one: one.ensure(clock), several)).count(True) == 1
    assert password_fits(several[0], stores, hashes)


@pytest.mark.parametrize("role", ["admin", "user"])
def test_reset_gives_the_admin_a_new_password_and_the_role_back(
    first_admin: FirstAdmin, stores: Stores, hashes: PasswordHashes, clock: ManualClock, role: str
) -> None:
    before = add_user(stores, hashes, USERNAME, role=role, disabled=True)
    revoker = Revoker(stores.revocations, stores.feed, clock, token_s=1800)
    changes = UserChanges(stores.users, stores.sessions, stores.keys, revoker)
    first_admin.reset(clock, changes)
    after = stores.users.find(USERNAME)
    assert after is not None
    assert (after.role, after.disabled, after.version) == ("admin", False, before.version + 1)
    assert password_fits(first_admin, stores, hashes)


def test_reset_makes_an_admin_where_there_is_none(
    first_admin: FirstAdmin, stores: Stores, hashes: PasswordHashes, clock: ManualClock
) -> None:
    revoker = Revoker(stores.revocations, stores.feed, clock, token_s=1800)
    first_admin.reset(clock, UserChanges(stores.users, stores.sessions, stores.keys, revoker))
    assert password_fits(first_admin, stores, hashes)
