import socket
import sys

import pytest

from fleetserve.unix_door import enter, open_door

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="abstract names are Linux's")


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "[::1]"])
def test_who_enters_talks_to_who_opened(host: str, port: int) -> None:
    door = open_door(host, port, 1)
    assert door is not None
    inside = enter(host, port)
    assert inside is not None
    with door, inside, door.accept()[0] as host_end:
        inside.send(b"hello")
        assert host_end.recv(5) == b"hello"
        assert inside.getblocking() is False


def test_there_is_no_door_where_nobody_opened_one(port: int) -> None:
    assert enter("127.0.0.1", port) is None


def test_a_door_ends_with_its_socket(port: int) -> None:
    door = open_door("127.0.0.1", port, 1)
    assert door is not None
    door.close()
    assert enter("127.0.0.1", port) is None
    again = open_door("127.0.0.1", port, 1)
    assert again is not None
    again.close()


def test_a_name_that_is_taken_leaves_tcp(port: int) -> None:
    first = open_door("127.0.0.1", port, 1)
    assert first is not None
    with first:
        assert open_door("127.0.0.1", port, 1) is None


def test_a_full_queue_leaves_tcp(port: int) -> None:
    door = open_door("127.0.0.1", port, 0)
    assert door is not None
    with door:
        waiting = [enter("127.0.0.1", port) for _ in range(4)]
        assert waiting[0] is not None
        assert waiting[-1] is None
        for sock in waiting:
            if sock is not None:
                sock.close()


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "inference", "::"])
def test_other_machines_have_none(host: str, port: int) -> None:
    assert open_door(host, port, 1) is None
    assert enter(host, port) is None
