from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from auth_svc.users.base import UserStore
from fleetserve.errors import ConflictError
from tests.contract.auth_svc.conftest import Stores, make_user

ADA, BOB = make_user("Ada"), make_user("bob")


@pytest.fixture
def users(stores: Stores) -> UserStore:
    return stores.users


def test_user_is_found_by_id_and_by_name_whatever_its_case(users: UserStore) -> None:
    users.add(ADA)
    assert users.get(ADA.id) == ADA
    assert users.find("ada") == users.find(" ADA ") == ADA


def test_nobody_is_none(users: UserStore) -> None:
    assert users.get("x") is None
    assert users.find("ada") is None


@pytest.mark.parametrize(
    ("second", "code"),
    [
        (make_user("aDA", id="2", email="other@example.com"), "username_taken"),
        (make_user("other", email="ada@example.com"), "email_taken"),
    ],
)
def test_name_and_email_are_taken_once(users: UserStore, second: object, code: str) -> None:
    users.add(ADA)
    with pytest.raises(ConflictError) as caught:
        users.add(second)  # type: ignore[arg-type]
    assert caught.value.code == code
    assert users.page()[0] == 1


def test_of_many_registering_one_name_at_once_one_succeeds(users: UserStore) -> None:
    def register(number: int) -> bool:
        try:
            users.add(make_user("Ada", id=str(number), email=f"{number}@example.com"))
        except ConflictError:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(register, range(8))).count(True) == 1


def test_pages_are_by_name_and_count_all(users: UserStore) -> None:
    for name in ("carl", "Ada", "bob"):
        users.add(make_user(name))
    total, page = users.page(offset=1, limit=1)
    assert (total, [user.username for user in page]) == (3, ["bob"])
    assert [user.username for user in users.page()[1]] == ["Ada", "bob", "carl"]


def test_page_of_a_role_leaves_out_the_disabled(users: UserStore) -> None:
    users.add(make_user("a", role="admin"))
    users.add(make_user("b", role="admin", disabled=True))
    users.add(make_user("c"))
    total, page = users.page(role="admin")
    assert (total, [user.username for user in page]) == (1, ["a"])
    assert users.page(limit=0, role="admin") == (1, [])


def test_replace_writes_all_but_name_and_creation(users: UserStore) -> None:
    users.add(ADA)
    changed = replace(
        ADA,
        username="Eve",
        email="new@example.com",
        full_name="",
        password_hash="other",
        role="operator",
        version=2,
        edition=2,
        disabled=True,
        last_login_at=5.5,
        created_at=0.0,
    )
    assert users.replace(changed, was=1)
    assert users.get(ADA.id) == replace(changed, username="Ada", created_at=ADA.created_at)


def test_of_two_changes_to_one_edition_one_wins(users: UserStore) -> None:
    users.add(ADA)
    assert users.replace(replace(ADA, role="operator", edition=2), was=1)
    assert not users.replace(replace(ADA, role="viewer", edition=2), was=1)
    found = users.get(ADA.id)
    assert found is not None
    assert found.role == "operator"


def test_replacing_nobody_is_false(users: UserStore) -> None:
    assert not users.replace(ADA, was=1)


def test_email_of_another_can_not_be_taken_over(users: UserStore) -> None:
    users.add(ADA)
    users.add(BOB)
    with pytest.raises(ConflictError):
        users.replace(replace(BOB, email=ADA.email, edition=2), was=1)
    assert users.get(BOB.id) == BOB


def test_own_email_stays_ones_own(users: UserStore) -> None:
    users.add(ADA)
    assert users.replace(replace(ADA, full_name="A.", edition=2), was=1)


def test_deleted_user_is_gone_and_the_name_is_free(users: UserStore) -> None:
    users.add(ADA)
    assert users.delete(ADA.id)
    assert not users.delete(ADA.id)
    assert users.find("ada") is None
    users.add(make_user("Ada", id="another"))
