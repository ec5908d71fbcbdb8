import pytest

from fleetserve.auth.cors import CorsPolicy, is_preflight

APP = b"https://app.example.com"


def test_without_origins_nothing_is_added() -> None:
    policy = CorsPolicy((), 600)
    assert policy.headers(APP) == []
    assert policy.preflight(APP) == (403, [])


def test_listed_origin_may_read_the_answer_and_its_headers() -> None:
    headers = dict(CorsPolicy(("https://app.example.com",), 600).headers(APP))
    assert headers[b"access-control-allow-origin"] == APP
    assert b"RateLimit-Remaining" in headers[b"access-control-expose-headers"]
    assert headers[b"vary"] == b"Origin"
    assert b"access-control-allow-credentials" not in headers


@pytest.mark.parametrize("origin", [b"https://evil.example", b"null", b"https://app.example.com.x"])
def test_other_origin_gets_nothing_but_vary(origin: bytes) -> None:
    policy = CorsPolicy(("https://app.example.com",), 600)
    assert policy.headers(origin) == [(b"vary", b"Origin")]
    assert policy.preflight(origin)[0] == 403


def test_request_without_an_origin_varies_by_it_too() -> None:
    assert CorsPolicy(("https://app.example.com",), 600).headers(None) == [(b"vary", b"Origin")]


def test_preflight_names_methods_headers_and_age() -> None:
    status, headers = CorsPolicy(("https://app.example.com",), 77).preflight(APP)
    told = dict(headers)
    assert status == 204
    assert b"DELETE" in told[b"access-control-allow-methods"]
    assert b"X-API-Key" in told[b"access-control-allow-headers"]
    assert told[b"access-control-max-age"] == b"77"


def test_star_allows_every_origin() -> None:
    policy = CorsPolicy(("*",), 600)
    assert dict(policy.headers(b"https://any.example"))[b"access-control-allow-origin"] == b"*"
    assert policy.preflight(b"https://any.example")[0] == 204


def test_case_of_an_origin_does_not_matter() -> None:
    policy = CorsPolicy(("https://app.example.com",), 600)
    assert policy.preflight(b"https://APP.example.com")[0] == 204


def test_only_options_with_its_header_is_a_preflight() -> None:
    assert is_preflight("OPTIONS", b"POST")
    assert not is_preflight("OPTIONS", None)
    assert not is_preflight("POST", b"POST")


def test_only_our_own_pages_and_listed_ones_may_change_anything() -> None:
    policy = CorsPolicy(("https://app.example.com",), 600)
    host = b"localhost:8000"
    assert policy.may_change(None, host)
    assert policy.may_change(APP, host)
    assert policy.may_change(b"http://localhost:8000", host)
    assert not policy.may_change(b"http://localhost:8001", host)
    assert not policy.may_change(b"https://evil.example", host)
    assert not policy.may_change(b"null", host)
    assert not policy.may_change(b"null", None)
    assert CorsPolicy(("*",), 600).may_change(b"https://evil.example", host)
