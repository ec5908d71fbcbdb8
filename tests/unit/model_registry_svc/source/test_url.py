from collections.abc import Iterator

import httpx2 as httpx
import pytest

from fleetserve.clock import SystemClock
from fleetserve.errors import ForbiddenError, InvalidFieldError
from model_registry_svc.source.base import SourceBusyError, SourceRef
from model_registry_svc.source.url import UrlSource

SHA256 = "ab" * 32


def answer(request: httpx.Request) -> httpx.Response:
    if request.url.path == "/away.pt2":
        raise httpx.ConnectError("refused")
    return httpx.Response(200, content=b"w" * 10, headers={"etag": '"v1"'})


@pytest.fixture
def source() -> Iterator[UrlSource]:
    with httpx.Client(transport=httpx.MockTransport(answer)) as client:
        yield UrlSource(client, SystemClock(), allow_private=True)


def test_file_is_named_by_the_end_of_its_address(source: UrlSource) -> None:
    (found,) = source.resolve(SourceRef("https://h.test/a/my%20model.pt2?x=1")).artifacts
    assert (found.path, found.size, found.validator) == ("my model.pt2", 10, '"v1"')


def test_pinned_content_is_its_revision(source: UrlSource) -> None:
    resolution = source.resolve(SourceRef(f"https://h.test/m.pt2#sha256={SHA256}"))
    assert resolution.revision == SHA256[:40]
    assert resolution.artifacts[0].sha256 == SHA256
    assert "#" not in resolution.artifacts[0].address


@pytest.mark.parametrize(
    "model_id",
    [
        "ftp://h.test/m.pt2",
        "file:///etc/passwd",
        "https:///m.pt2",
        "https://h.test/",
        "https://h.test/m.pt2#sha256=abc",
        "m.pt2#x",
    ],
)
def test_what_is_no_address_of_a_file_is_refused(source: UrlSource, model_id: str) -> None:
    with pytest.raises(InvalidFieldError) as caught:
        source.resolve(SourceRef(model_id))
    assert caught.value.field == "model_id"


def test_server_that_is_away_may_be_asked_again(source: UrlSource) -> None:
    with pytest.raises(SourceBusyError):
        source.resolve(SourceRef("https://h.test/away.pt2"))


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "10.0.0.8", "169.254.169.254", "[::1]", "0.0.0.0"]
)
def test_private_addresses_are_refused_unless_allowed(host: str) -> None:
    with httpx.Client(transport=httpx.MockTransport(answer)) as client:
        source = UrlSource(client, SystemClock())
        with pytest.raises(ForbiddenError, match="allow_private_urls") as caught:
            source.resolve(SourceRef(f"http://{host}/m.pt2"))
    assert caught.value.code == "private_address"


def test_redirect_to_a_private_address_is_refused_too() -> None:
    def redirect(_: httpx.Request) -> httpx.Response:
        return httpx.Response(302, headers={"location": "http://127.0.0.1/m.pt2"})

    with httpx.Client(transport=httpx.MockTransport(redirect)) as client:
        source = UrlSource(client, SystemClock())
        with pytest.raises(ForbiddenError):
            source.resolve(SourceRef("http://8.8.8.8/m.pt2"))
