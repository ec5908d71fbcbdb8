import msgspec
import pytest

from fleetserve.auth.revocations import (
    PRUNE_EVERY_S,
    Revocation,
    RevocationList,
    RevokedKind,
    decode_revocations,
    encode_revocations,
)
from fleetserve.clock import ManualClock

SESSION = Revocation(RevokedKind.SESSION, "s1", 2000)
KEY = Revocation(RevokedKind.KEY, "k1", 2000)


def user(version: int, expires_at: float = 2000) -> Revocation:
    return Revocation(RevokedKind.USER, "u1", expires_at, version)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(1000)


@pytest.fixture
def known(clock: ManualClock) -> RevocationList:
    return RevocationList(clock)


@pytest.mark.parametrize("entry", [SESSION, KEY, user(7)])
def test_entry_survives_its_text_and_the_wire(entry: Revocation) -> None:
    assert Revocation.from_text(entry.text(), 2000) == entry
    assert decode_revocations(encode_revocations([entry])) == [entry]


@pytest.mark.parametrize("text", ["", "session:x", "moon:x:0", "user:u:one", "a:b:c:d"])
def test_text_that_is_no_entry_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - whatever enum, unpacking or int say
        Revocation.from_text(text, 1)


def test_message_that_is_no_list_is_refused() -> None:
    with pytest.raises(msgspec.DecodeError):
        decode_revocations(b"[{}]")


def test_only_what_was_added_is_revoked(known: RevocationList) -> None:
    known.add([SESSION, KEY, user(2)])
    assert known.session_is_revoked("s1")
    assert known.key_is_revoked("k1")
    assert known.lowest_version("u1") == 2
    assert not known.session_is_revoked("k1")
    assert not known.key_is_revoked("s1")
    assert known.lowest_version("u2") == 0


def test_lower_version_that_comes_late_changes_nothing(known: RevocationList) -> None:
    known.add([user(3)])
    known.add([user(2)])
    assert known.lowest_version("u1") == 3


def test_listeners_hear_each_entry_once(known: RevocationList) -> None:
    heard: list[Revocation] = []
    known.listen(heard.append)
    for _ in range(3):
        known.add([SESSION, KEY, user(1), user(2), user(1)])
    assert heard == [SESSION, KEY, user(1), user(2)]


def test_expired_entries_are_forgotten(known: RevocationList, clock: ManualClock) -> None:
    known.add([SESSION, user(1), Revocation(RevokedKind.KEY, "k2", 9000)])
    clock.move(1000 + PRUNE_EVERY_S)
    known.add([])
    assert len(known) == 1
    assert known.key_is_revoked("k2")


def test_list_that_is_read_again_and_again_does_not_grow(
    known: RevocationList, clock: ManualClock
) -> None:
    for _ in range(100):
        known.add([SESSION, KEY, user(1)])
        clock.move(1)
    assert len(known) == 3
