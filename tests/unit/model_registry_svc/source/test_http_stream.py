from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx2 as httpx
import pytest

from fleetserve.clock import ManualClock
from fleetserve.errors import ForbiddenError, UpstreamError
from model_registry_svc.source.base import ArtifactChangedError, InterruptedTransferError
from model_registry_svc.source.http_stream import HttpOpener, origin, retry_after_s

URL = "https://hub.test/m/file"
Answer = Callable[[httpx.Request], httpx.Response]


def opener(clock: ManualClock, answer: Answer, **more: object) -> HttpOpener:
    client = httpx.Client(transport=httpx.MockTransport(answer))
    return HttpOpener(client, clock, **more)  # type: ignore[arg-type]


def ranged(request: httpx.Request) -> httpx.Response:
    content, asked = b"0123456789", request.headers.get("range", "bytes=0-")
    start = int(asked.removeprefix("bytes=").removesuffix("-"))
    body = httpx.ByteStream(content[start:])
    headers = {"content-length": str(len(content) - start), "etag": '"v1"'}
    if "range" not in request.headers:
        return httpx.Response(200, stream=body, headers=headers)
    headers["content-range"] = f"bytes {start}-9/10"
    return httpx.Response(206, stream=body, headers=headers)


def test_rest_is_asked_for_under_the_version_that_was_begun(clock: ManualClock) -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return ranged(request)

    with opener(clock, answer).open(URL, 4, '"v1"') as stream:
        assert (stream.start, stream.total, stream.validator) == (4, 10, '"v1"')
        assert b"".join(stream) == b"456789"
    assert seen[0].headers["range"] == "bytes=4-"
    assert seen[0].headers["if-match"] == '"v1"'
    assert seen[0].headers["accept-encoding"] == "identity"


def test_beginning_is_asked_for_without_conditions(clock: ManualClock) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        assert "range" not in request.headers
        assert "if-match" not in request.headers
        return ranged(request)

    with opener(clock, answer).open(URL, 0, '"v1"') as stream:
        assert b"".join(stream) == b"0123456789"


def test_server_without_ranges_begins_anew(clock: ManualClock) -> None:
    with opener(clock, lambda _: httpx.Response(200, content=b"all")).open(URL, 2, None) as stream:
        assert (stream.start, stream.total) == (0, 3)


def test_weak_version_is_no_version(clock: ManualClock) -> None:
    answer = httpx.Response(200, content=b"x", headers={"etag": 'W/"v1"'})
    with opener(clock, lambda _: answer).open(URL, 0, None) as stream:
        assert stream.validator is None


@pytest.mark.parametrize("content_range", ["bytes 3-9/10", "items 4-9/10", ""])
def test_another_range_than_asked_for_is_not_taken(clock: ManualClock, content_range: str) -> None:
    answer = httpx.Response(206, content=b"x", headers={"content-range": content_range})
    with pytest.raises(InterruptedTransferError, match="another range"):
        opener(clock, lambda _: answer).open(URL, 4, None)


@pytest.mark.parametrize("status", [412, 416, 404, 410])
def test_version_that_went_away_is_told(clock: ManualClock, status: int) -> None:
    with pytest.raises(ArtifactChangedError):
        opener(clock, lambda _: httpx.Response(status)).open(URL, 4, '"v1"')


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_passing_trouble_may_be_tried_again_when_the_server_says(
    clock: ManualClock, status: int
) -> None:
    answer = httpx.Response(status, headers={"retry-after": "7"})
    with pytest.raises(InterruptedTransferError) as caught:
        opener(clock, lambda _: answer).open(URL, 0, None)
    assert caught.value.retry_after_s == 7.0


def test_refusal_is_final_and_says_what_the_server_says(clock: ManualClock) -> None:
    answer = httpx.Response(403, headers={"x-error-message": "Ask the owner."})
    with pytest.raises(ForbiddenError, match="Ask the owner"):
        opener(clock, lambda _: answer).open(URL, 0, None)
    with pytest.raises(UpstreamError, match="418"):
        opener(clock, lambda _: httpx.Response(418)).open(URL, 0, None)


def test_connection_that_fails_may_be_tried_again(clock: ManualClock) -> None:
    def refuse(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    with pytest.raises(InterruptedTransferError, match=r"hub.test: refused"):
        opener(clock, refuse).open(URL, 0, None)


def redirecting(request: httpx.Request) -> httpx.Response:
    if request.url.host == "hub.test":
        return httpx.Response(302, headers={"location": "https://cdn.test/bytes?sig=1"})
    return ranged(request)


def test_token_goes_where_it_belongs_and_the_range_to_the_end(clock: ManualClock) -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return redirecting(request)

    def headers_for(url: str) -> dict[str, str]:
        return {"Authorization": "Bearer t"} if "hub.test" in url else {}

    with opener(clock, answer, headers_for=headers_for).open(URL, 4, None) as stream:
        assert b"".join(stream) == b"456789"
    assert [r.url.host for r in seen] == ["hub.test", "cdn.test"]
    assert ["authorization" in r.headers for r in seen] == [True, False]
    assert seen[1].headers["range"] == "bytes=4-"


def test_expired_address_of_a_cdn_may_be_asked_for_again(clock: ManualClock) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return redirecting(request) if request.url.host == "hub.test" else httpx.Response(403)

    with pytest.raises(InterruptedTransferError, match=r"cdn\.test answers 403"):
        opener(clock, answer).open(URL, 0, None)


def test_each_redirect_is_looked_at(clock: ManualClock) -> None:
    def check(url: str) -> None:
        if "cdn.test" in url:
            raise ForbiddenError("not there")

    with pytest.raises(ForbiddenError):
        opener(clock, redirecting, check_url=check).open(URL, 0, None)


def test_relative_redirect_stays_at_its_host(clock: ManualClock) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/m/file":
            return httpx.Response(307, headers={"location": "/api/cache/file"})
        assert str(request.url) == "https://hub.test/api/cache/file"
        return ranged(request)

    with opener(clock, answer).open(URL, 0, None) as stream:
        assert stream.total == 10


def test_endless_redirects_end(clock: ManualClock) -> None:
    answer = httpx.Response(302, headers={"location": URL})
    with pytest.raises(UpstreamError, match="redirects more than"):
        opener(clock, lambda _: answer).open(URL, 0, None)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("5", 5.0), ("99999", 300.0), (None, None), ("", None), ("soon", None)],
)
def test_waiting_time_is_read_and_bounded(
    clock: ManualClock, value: str | None, seconds: float | None
) -> None:
    assert retry_after_s(value, clock) == seconds


def test_waiting_time_may_be_a_date(clock: ManualClock) -> None:
    date = datetime.fromtimestamp(clock.now_s(), UTC) + timedelta(seconds=30)
    assert retry_after_s(format_datetime(date, usegmt=True), clock) == 30.0
    past = datetime.fromtimestamp(clock.now_s(), UTC) - timedelta(seconds=30)
    assert retry_after_s(format_datetime(past, usegmt=True), clock) == 0.0


def test_origin_is_scheme_host_and_port() -> None:
    assert origin("http://Hub.test:80/x") == ("http", "hub.test:80")
    assert origin("https://hub.test/x") != origin("http://hub.test/x")
