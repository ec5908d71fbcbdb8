from concurrent.futures import ThreadPoolExecutor

import pytest

from auth_svc.attempts.base import AttemptStore
from auth_svc.lockout import Attempts
from tests.contract.auth_svc.conftest import Stores

ONE, TWO = Attempts(1, 0.0, 100.1), Attempts(2, 130.3, 100.2)


@pytest.fixture
def attempts(stores: Stores) -> AttemptStore:
    return stores.attempts


def test_attempts_are_kept_by_name_until_they_are_cleared(attempts: AttemptStore) -> None:
    assert attempts.get("a") is None
    assert attempts.put("a", ONE, was=None)
    assert attempts.get("a") == ONE
    assert attempts.put("a", TWO, was=ONE)
    assert attempts.get("a") == TWO
    attempts.clear("a")
    attempts.clear("a")
    assert attempts.get("a") is None


def test_what_changed_meanwhile_is_not_overwritten(attempts: AttemptStore) -> None:
    assert not attempts.put("a", TWO, was=ONE)
    attempts.put("a", ONE, was=None)
    assert not attempts.put("a", TWO, was=None)
    attempts.put("a", TWO, was=ONE)
    assert not attempts.put("a", ONE, was=ONE)
    assert attempts.get("a") == TWO


def test_of_many_at_once_each_is_counted(attempts: AttemptStore) -> None:
    def count(_: int) -> None:
        while True:
            before = attempts.get("a")
            failures = before.failures + 1 if before else 1
            if attempts.put("a", Attempts(failures, 0.0, 100.0), was=before):
                return

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(count, range(16)))
    found = attempts.get("a")
    assert found is not None
    assert found.failures == 16


def test_old_attempts_are_pruned(attempts: AttemptStore) -> None:
    attempts.put("a", Attempts(1, 0.0, 10.0), was=None)
    attempts.put("b", Attempts(1, 0.0, 20.0), was=None)
    assert attempts.prune(20.0) == 1
    assert attempts.get("a") is None
    assert attempts.get("b") is not None
