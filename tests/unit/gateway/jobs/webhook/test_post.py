import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from gateway.jobs.webhook.post import PostFailedError, post
from gateway.jobs.webhook.target import Target
from tests.redis_server import free_port


class Receiver(BaseHTTPRequestHandler):
    """Keeps what comes; answers as its path says."""

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        self.server.got = (self.path, dict(self.headers), self.rfile.read(length))  # type: ignore[attr-defined]
        self.send_response(int(self.path.strip("/")))
        self.send_header("Location", "http://127.0.0.1:1/")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        return


@pytest.fixture
def server() -> Iterator[HTTPServer]:
    with HTTPServer(("127.0.0.1", 0), Receiver) as made:
        thread = threading.Thread(target=made.serve_forever, args=(0.01,))
        thread.start()
        yield made
        made.shutdown()
        thread.join()


def target(port: int, path: str = "/200", *, tls: bool = False) -> Target:
    """A name that no server knows, so that only the pinned address can be what was used."""
    return Target(tls, "hook.invalid", port, path, ("127.0.0.1",))


def test_it_goes_to_the_address_that_was_looked_up(server: HTTPServer) -> None:
    port = server.server_port
    assert post(target(port), {"X-Mine": "1"}, b"body") == 200
    path, headers, body = server.got  # type: ignore[attr-defined]
    assert (path, headers["Host"], headers["X-Mine"], body) == (
        "/200",
        f"hook.invalid:{port}",
        "1",
        b"body",
    )


def test_redirect_is_not_followed(server: HTTPServer) -> None:
    assert post(target(server.server_port, "/302"), {}, b"") == 302


def test_nobody_there_and_no_certificate_are_failures(server: HTTPServer) -> None:
    with pytest.raises(PostFailedError):
        post(target(free_port()), {}, b"")
    with pytest.raises(PostFailedError):
        post(target(server.server_port, tls=True), {}, b"")


def test_second_address_is_tried(server: HTTPServer) -> None:
    both = Target(False, "hook.invalid", server.server_port, "/204", ("127.0.0.2", "127.0.0.1"))
    assert post(both, {}, b"") == 204
