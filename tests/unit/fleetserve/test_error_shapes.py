import orjson
import pytest

from fleetserve.error_shapes import body_for, render_for, status_for
from fleetserve.errors import (
    BadRequestError,
    FleetError,
    ForbiddenError,
    InvalidFieldError,
    ModelNotFoundError,
    TooManyRequestsError,
    UnauthorizedError,
    UnavailableError,
)


def test_native_routes_have_the_fleets_own_shape() -> None:
    status, headers, body = render_for("/predict", InvalidFieldError("inputs", "is bad"), "r-1")
    assert (status, headers["x-request-id"]) == (422, "r-1")
    assert orjson.loads(body)["field"] == "inputs"


@pytest.mark.parametrize("path", ["/v1/embeddings", "/v2", "/v2/models/m/infer"])
def test_other_protocols_know_no_422(path: str) -> None:
    assert status_for(path, InvalidFieldError("inputs", "is bad")) == 400
    assert status_for(path, UnavailableError("Not now.")) == 503


@pytest.mark.parametrize("path", ["/v2", "/v2/models/m/infer"])
def test_v2_says_what_is_wrong_and_nothing_else(path: str) -> None:
    assert body_for(path, BadRequestError("It is not JSON."), "r-1") == {"error": "It is not JSON."}


def test_v1_without_a_slash_is_no_route_of_openais() -> None:
    assert "success" in body_for("/v1beta", BadRequestError("No."), "r-1")


@pytest.mark.parametrize(
    ("error", "kind", "param", "code"),
    [
        (ModelNotFoundError("m"), "invalid_request_error", "model", "model_not_found"),
        (UnauthorizedError("Who?"), "invalid_request_error", None, "invalid_api_key"),
        (
            UnauthorizedError("Who?", code="key_invalid"),
            "invalid_request_error",
            None,
            "invalid_api_key",
        ),
        (
            ForbiddenError("No.", code="scope_missing"),
            "invalid_request_error",
            None,
            "missing_scope",
        ),
        (TooManyRequestsError("Slow.", retry_after_s=1), "requests", None, "rate_limit_exceeded"),
        (UnavailableError("Later.", code="not_ready"), "server_error", None, "not_ready"),
        (InvalidFieldError("n", "is 0"), "invalid_request_error", "n", "invalid_value"),
        (
            InvalidFieldError("model_name", "is missing", code="required"),
            "invalid_request_error",
            "model",
            "missing_required_parameter",
        ),
        (
            InvalidFieldError("inputs[2]", "is empty"),
            "invalid_request_error",
            "input[2]",
            "invalid_value",
        ),
        (
            InvalidFieldError("parameters.max_new_tokens", "is 9"),
            "invalid_request_error",
            "max_tokens",
            "invalid_value",
        ),
    ],
)
def test_openais_errors(error: FleetError, kind: str, param: str | None, code: str) -> None:
    told = body_for("/v1/embeddings", error, "r-1")["error"]
    assert isinstance(told, dict)
    assert (told["type"], told["param"], told["code"]) == (kind, param, code)


def test_openais_message_names_the_field_as_openai_does() -> None:
    told = body_for("/v1/embeddings", InvalidFieldError("inputs[2]", "is empty"), "r-1")
    assert told["error"]["message"] == "input[2]: is empty"  # type: ignore[index]


@pytest.mark.parametrize(
    ("ours", "theirs"), [("initial_prompt", "prompt"), ("output_format", "response_format")]
)
def test_fields_of_speech_have_openais_names(ours: str, theirs: str) -> None:
    told = body_for("/v1/audio/speech", InvalidFieldError(ours, "is wrong"), "r-1")["error"]
    assert isinstance(told, dict)
    assert (told["param"], told["message"]) == (theirs, f"{theirs}: is wrong")


@pytest.mark.parametrize("path", ["/predict", "/v1/models", "/v2"])
def test_what_is_not_in_the_tree_is_opaque(path: str) -> None:
    status, _, body = render_for(path, RuntimeError("secret"), "r-1")
    assert status == 500
    assert b"secret" not in body
