import pytest

from fleetserve.errors import InvalidFieldError
from gateway.jobs.webhook.target import Target, Targets, look_up
from tests.unit.gateway.jobs.conftest import PUBLIC, find_public


@pytest.fixture
def targets() -> Targets:
    return Targets(allow_private=False, resolve=find_public)


@pytest.mark.parametrize(
    ("url", "target", "authority"),
    [
        ("http://a.example", Target(False, "a.example", 80, "/", (PUBLIC,)), "a.example"),
        (
            "https://A.example:8443/hook?x=1",
            Target(True, "a.example", 8443, "/hook?x=1", (PUBLIC,)),
            "a.example:8443",
        ),
    ],
)
def test_address_is_taken_apart_and_looked_up(
    targets: Targets, url: str, target: Target, authority: str
) -> None:
    assert targets.find(url) == target
    assert target.authority == authority


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ftp://a.example/",
        "a.example/hook",
        "http:///hook",
        "http://a.example:port/",
        "http://[::1/",
        "http://ada:secret@a.example/",
        "http://a.example/a b",
        "http://a.example/\r\nHost: x",
        f"http://a.example/{'x' * 3000}",
        "http://unknown.example/",
    ],
)
def test_what_is_no_address_is_refused_by_name(targets: Targets, url: str) -> None:
    with pytest.raises(InvalidFieldError, match="webhook_url"):
        targets.find(url)


@pytest.mark.parametrize("found", [["10.0.0.1"], [PUBLIC, "127.0.0.1"], ["::1"]])
def test_address_that_leads_inside_is_refused_unless_allowed(found: list[str]) -> None:
    with pytest.raises(InvalidFieldError, match="allow_private_webhooks") as caught:
        Targets(allow_private=False, resolve=lambda *_: found).find("http://a.example/")
    assert caught.value.code == "private_address"
    allowed = Targets(allow_private=True, resolve=lambda *_: found).find("http://a.example/")
    assert allowed.addresses == tuple(found)


def test_ipv6_address_stands_in_brackets() -> None:
    target = Targets(allow_private=True, resolve=look_up).find("http://[::1]:9/")
    assert (target.host, target.addresses, target.authority) == ("::1", ("::1",), "[::1]:9")
