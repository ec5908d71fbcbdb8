import pytest

from fleetserve.request_ids import new_request_id, request_id_from, request_id_of


def test_new_ids_differ() -> None:
    assert len({new_request_id() for _ in range(1000)}) == 1000


@pytest.mark.parametrize("offered", ["a", "req-1", "8b3c:9.2_X", "x" * 128])
def test_sane_id_of_the_caller_is_kept(offered: str) -> None:
    assert request_id_from(offered) == offered


@pytest.mark.parametrize("offered", [None, "", "x" * 129, "a b", "a\nb", 'a"b', "ä", "a\n"])
def test_other_ids_are_replaced(offered: str | None) -> None:
    made = request_id_from(offered)
    assert made != offered
    assert request_id_from(made) == made


def test_id_of_a_request_is_made_once() -> None:
    scope: dict[str, object] = {"headers": [(b"host", b"x")]}
    assert request_id_of(scope) == request_id_of(scope)
    assert request_id_of({"headers": [(b"x-request-id", b"mine-1")]}) == "mine-1"
