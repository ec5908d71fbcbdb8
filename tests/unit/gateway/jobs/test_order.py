import pytest

from fleetserve.errors import InvalidFieldError
from gateway.jobs.order import idempotency_key, wants_async, webhook_in_query, without_job_fields


@pytest.mark.parametrize(
    "prefer", [b"respond-async", b"Respond-Async; wait=10", b"handling=strict, respond-async"]
)
def test_preference_is_understood(prefer: bytes) -> None:
    assert wants_async({b"prefer": prefer})


@pytest.mark.parametrize("headers", [{}, {b"prefer": b"wait=10"}, {b"prefer": b"no-respond-async"}])
def test_other_preferences_are_not_it(headers: dict[bytes, bytes]) -> None:
    assert not wants_async(headers)


def test_key_is_the_header() -> None:
    assert idempotency_key({}) is None
    assert idempotency_key({b"idempotency-key": b"order-17"}) == "order-17"


@pytest.mark.parametrize("key", [b"", b"a b", b"\xe4", b"k" * 256])
def test_key_that_is_none_is_refused(key: bytes) -> None:
    with pytest.raises(InvalidFieldError, match="Idempotency-Key"):
        idempotency_key({b"idempotency-key": key})


def test_query_is_replayed_without_what_concerns_the_job() -> None:
    query = b"model_name=m&webhook_url=http%3A%2F%2Fa%2Fb&token=secret&x="
    assert webhook_in_query(query) == "http://a/b"
    assert webhook_in_query(b"") is None
    assert without_job_fields(query) == "model_name=m&x="
    assert without_job_fields(b"") == ""
