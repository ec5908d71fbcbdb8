import orjson
import pytest

from fleetserve import errors
from fleetserve.errors import (
    FleetError,
    ForbiddenError,
    InvalidFieldError,
    ModelNotFoundError,
    ShedError,
    TooManyRequestsError,
    UnauthorizedError,
    UnavailableError,
    as_fleet_error,
    render_error,
)

# The contract's list of statuses, and 408.
STATUSES = {400, 401, 403, 404, 405, 406, 408, 409, 413, 415, 422, 429, 500, 502, 503, 504, 507}


def classes() -> list[type[FleetError]]:
    return [c for c in vars(errors).values() if isinstance(c, type) and issubclass(c, FleetError)]


def test_the_tree_covers_exactly_the_statuses_of_the_contract() -> None:
    assert {error_class.status for error_class in classes()} == STATUSES


def test_rendered_error_has_the_contracts_fields_and_no_others() -> None:
    status, headers, body = render_error(ForbiddenError("Ask an admin."), "r-1")
    assert status == 403
    assert orjson.loads(body) == {
        "success": False,
        "error": "Not allowed",
        "detail": "Ask an admin.",
        "code": "forbidden",
        "request_id": "r-1",
    }
    assert headers == {"content-type": "application/json", "x-request-id": "r-1"}


@pytest.mark.parametrize("exc", [ValueError("s3cret"), KeyError("s3cret"), MemoryError("s3cret")])
def test_exception_outside_the_tree_is_an_opaque_500(exc: Exception) -> None:
    status, _, body = render_error(exc, "r-1")
    assert status == 500
    assert b"s3cret" not in body
    assert orjson.loads(body)["code"] == "internal_error"


def test_error_of_the_tree_is_rendered_as_it_is() -> None:
    error = UnavailableError("Later.")
    assert as_fleet_error(error) is error


def test_invalid_field_names_the_field_in_text_and_in_a_field_of_its_own() -> None:
    _, _, body = render_error(InvalidFieldError("inputs", "must be numbers"), "r-1")
    answer = orjson.loads(body)
    assert answer["detail"] == "inputs: must be numbers"
    assert answer["field"] == "inputs"


def test_extra_fields_stand_beside_the_contracts_own() -> None:
    error = UnavailableError("Loading.", code="loading", extra={"phase": "loading"})
    _, _, body = render_error(error, "r-1")
    answer = orjson.loads(body)
    assert (answer["code"], answer["phase"]) == ("loading", "loading")


@pytest.mark.parametrize(
    ("seconds", "header"), [(0.0, "1"), (0.2, "1"), (1.0, "1"), (1.1, "2"), (90, "90")]
)
def test_retry_after_is_whole_seconds_and_at_least_one(seconds: float, header: str) -> None:
    assert UnavailableError("x", retry_after_s=seconds).headers["Retry-After"] == header
    assert TooManyRequestsError("x", retry_after_s=seconds).headers["Retry-After"] == header


def test_shed_says_that_nothing_was_executed() -> None:
    error = ShedError("The queue is full.", retry_after_s=3)
    assert error.status == 503
    assert error.headers == {"Retry-After": "3", "x-fleet-shed": "1"}


def test_unavailable_keeps_the_callers_headers() -> None:
    error = UnavailableError("x", headers={"x-more": "1"})
    assert error.headers == {"Retry-After": "1", "x-more": "1"}


def test_unauthorized_names_the_scheme() -> None:
    assert UnauthorizedError("Log in.").headers == {"WWW-Authenticate": "Bearer"}


def test_unknown_model_says_how_to_get_it() -> None:
    assert "POST /models/download" in ModelNotFoundError("nope").detail
    assert "'nope'" in ModelNotFoundError("nope").detail


def test_unknown_model_can_give_another_hint() -> None:
    assert ModelNotFoundError("nope", "Did you mean nap?").detail.endswith("Did you mean nap?")
