import base64
from hashlib import sha256

import pytest
from fastapi.openapi.docs import get_redoc_html, get_swagger_ui_html

from fleetserve.auth.security_headers import (
    AllowedHosts,
    content_security_policy,
    script_hashes,
    security_headers,
)

PAGES = [
    bytes(html.body).decode()
    for html in (
        get_swagger_ui_html(openapi_url="/openapi.json", title="Fleetserve"),
        get_redoc_html(openapi_url="/openapi.json", title="Fleetserve", with_google_fonts=False),
    )
]


def test_set_has_what_browsers_heed() -> None:
    headers = dict(security_headers())
    assert headers[b"x-content-type-options"] == b"nosniff"
    assert headers[b"x-frame-options"] == b"DENY"
    assert headers[b"referrer-policy"] == b"no-referrer"
    assert b"frame-ancestors 'none'" in headers[b"content-security-policy"]


def test_names_are_lower_case_and_stand_once() -> None:
    names = [name for name, _ in security_headers()]
    assert names == [name.lower() for name in names]
    assert len(names) == len(set(names))


def test_policy_allows_no_other_origin_and_no_eval() -> None:
    policy = content_security_policy()
    assert "http" not in policy
    assert "*" not in policy
    assert "unsafe-eval" not in policy
    scripts = next(part for part in policy.split("; ") if part.startswith("script-src"))
    assert scripts == "script-src 'self'"


def test_inline_scripts_of_the_docs_are_allowed_by_their_hash() -> None:
    hashes = script_hashes(*PAGES)
    assert len(hashes) == 1
    policy = content_security_policy(hashes)
    script = PAGES[0].rpartition("<script>")[2].partition("</script>")[0]
    wanted = base64.b64encode(sha256(script.encode()).digest()).decode()
    assert f"'sha256-{wanted}'" in policy


def test_scripts_with_an_address_need_no_hash() -> None:
    assert script_hashes('<script src="/a.js"></script><script defer src="b.js"> </script>') == []


@pytest.mark.parametrize(
    ("host", "taken"),
    [
        (b"localhost", True),
        (b"localhost:8000", True),
        (b"LOCALHOST:8000", True),
        (b"127.0.0.1:8000", True),
        (b"[::1]", True),
        (b"[::1]:8000", True),
        (b"api.fleet.example:443", True),
        (b"evil.example", False),
        (b"localhost.evil.example", False),
        (b"fleet.example", False),
        (b"evilfleet.example", False),
        (b"localhost:80:80", False),
        (b"localhost:x", False),
        (b"::1", False),
        (b"", False),
        (b"\xff", False),
        (None, False),
    ],
)
def test_only_listed_hosts_are_taken(host: bytes | None, taken: bool) -> None:
    hosts = AllowedHosts(["localhost", "127.0.0.1", "[::1]", "*.fleet.example"])
    assert hosts.take(host) is taken
    assert hosts.take(host) is taken


def test_star_takes_every_host() -> None:
    hosts = AllowedHosts(["*"])
    assert hosts.take(b"anything:1")
    assert hosts.take(None)


def test_ports_that_come_and_go_are_not_all_remembered() -> None:
    hosts = AllowedHosts(["localhost"])
    assert all(hosts.take(b"localhost:%d" % port) for port in range(1000))
    assert len(hosts._taken) <= AllowedHosts.MAX_REMEMBERED
