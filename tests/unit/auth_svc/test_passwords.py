import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

import pytest
from argon2 import PasswordHasher, extract_parameters
from argon2.low_level import Type

from auth_svc.passwords import MAX_WAITING, PasswordHashes, check_password, common_passwords
from fleetserve.auth.config import PasswordsConfig
from fleetserve.errors import InvalidFieldError, ShedError

RULES = PasswordsConfig()


@pytest.mark.parametrize(
    "password", ["correct horse battery", "Übergrößen7", "x7#kQ2!v", "密码密码长一点点吧"]
)
def test_good_password_may_be_used(password: str) -> None:
    check_password(password, "ada", RULES, "password")


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("short7!", "password_too_short"),
        ("x7" * 200, "password_too_long"),
        ("password1", "password_common"),
        ("PassWord1", "password_common"),
        ("qwertyuiop", "password_common"),
        ("aaaaaaaaaaaa", "password_common"),
        ("abababababab", "password_common"),
        ("Ada.Lovelace", "password_is_name"),
    ],
)
def test_bad_password_is_refused_and_why(password: str, code: str) -> None:
    with pytest.raises(InvalidFieldError) as caught:
        check_password(password, "ada.lovelace", RULES, "new_password")
    assert caught.value.code == code
    assert caught.value.field == "new_password"
    assert password not in caught.value.detail


def test_list_can_be_switched_off() -> None:
    check_password("password1", "ada", PasswordsConfig(refuse_common=False), "password")


def test_list_is_long_and_lower_case() -> None:
    common = common_passwords()
    assert len(common) > 8000
    assert "iloveyou" in common
    assert all(password == password.lower() and len(password) >= 8 for password in common)


def test_hash_matches_its_password_alone(hashes: PasswordHashes) -> None:
    stored = hashes.make("correct horse")
    assert hashes.matches(stored, "correct horse")
    assert not hashes.matches(stored, "correct hors")


def test_accents_may_be_typed_either_way(hashes: PasswordHashes) -> None:
    assert hashes.matches(hashes.make("caf\u00e9 noir"), "cafe\u0301 noir")


def test_same_password_never_has_the_same_hash(hashes: PasswordHashes) -> None:
    assert hashes.make("correct horse") != hashes.make("correct horse")


@pytest.mark.parametrize("stored", [None, "", "nonsense", "$argon2id$v=19$m=8,t=1,p=1$x$y"])
def test_what_is_no_hash_matches_nothing(hashes: PasswordHashes, stored: str | None) -> None:
    assert not hashes.matches(stored, "correct horse")


def test_real_hashes_are_argon2id_of_the_recommended_cost() -> None:
    parameters = extract_parameters(PasswordHashes().make("correct horse"))
    assert parameters.type is Type.ID
    assert parameters.memory_cost >= 19 * 1024
    assert parameters.time_cost >= 2


def test_hash_of_other_parameters_is_outdated(hashes: PasswordHashes) -> None:
    older = PasswordHasher(time_cost=2, memory_cost=8, parallelism=1).hash("correct horse")
    assert hashes.is_outdated(older)
    assert hashes.matches(older, "correct horse")
    assert not hashes.is_outdated(hashes.make("correct horse"))


class SlowHasher(PasswordHasher):
    """Verifies when it is let, and counts how many do at once."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.let = threading.Event()
        self.now = self.most = 0
        self.lock = threading.Lock()

    def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)
        assert self.let.wait(10)
        with self.lock:
            self.now -= 1
        return True


def test_few_run_at_once_some_wait_and_the_rest_is_shed() -> None:
    hasher = SlowHasher()
    hashes = PasswordHashes(hasher, at_once=2)
    with ThreadPoolExecutor(MAX_WAITING) as threads:
        answers = [threads.submit(hashes.matches, "h", "p") for _ in range(MAX_WAITING)]
        while hashes._waiting._value > 0:
            threading.Event().wait(0.001)
        with pytest.raises(ShedError):
            hashes.matches("h", "p")
        hasher.let.set()
        assert all(answer.result(10) for answer in answers)
    assert hasher.most == 2
