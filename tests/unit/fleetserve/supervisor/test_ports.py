import socket
import subprocess
import sys

import pytest

from fleetserve.supervisor.errors import SupervisorError
from fleetserve.supervisor.ports import check_port, reserved_port


def test_free_port_passes() -> None:
    with reserved_port() as port:
        pass
    check_port("127.0.0.1", port)


def test_port_zero_is_always_free() -> None:
    check_port("127.0.0.1", 0)


def test_taken_port_is_one_line_with_the_way_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SupervisorError) as caught:
            check_port("127.0.0.1", port)
    text = str(caught.value)
    assert "\n" not in text
    assert text.startswith(f"Port {port} on 127.0.0.1 is taken")
    assert f"PORT={port + 1} make run" in text or "PORT=" in text


def test_port_that_is_suggested_is_free() -> None:
    for _ in range(50):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            try:
                neighbour = socket.create_server(("127.0.0.1", port + 1))
            except OSError:
                continue
            with neighbour, pytest.raises(SupervisorError) as caught:
                check_port("127.0.0.1", port)
        assert f"PORT={port + 1} " not in str(caught.value)
        return
    pytest.skip("no two neighbouring ports were free in fifty tries")


def test_patience_waits_for_a_port_that_becomes_free() -> None:
    naps: list[float] = []
    with socket.create_server(("127.0.0.1", 0)) as taken:

        def nap(seconds: float) -> None:
            naps.append(seconds)
            if len(naps) == 3:
                taken.close()

        check_port("127.0.0.1", taken.getsockname()[1], patience_s=10, sleep=nap)
    assert len(naps) == 3


def test_patience_ends() -> None:
    naps: list[float] = []
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(SupervisorError, match="taken"),
    ):
        check_port("127.0.0.1", taken.getsockname()[1], patience_s=1, sleep=naps.append)
    assert sum(naps) == pytest.approx(1)


def test_address_of_another_machine_is_explained() -> None:
    with pytest.raises(SupervisorError, match=r"BIND=192\.0\.2\.1"):
        check_port("192.0.2.1", 0)


def test_name_that_is_no_address_is_explained() -> None:
    with pytest.raises(SupervisorError, match=r"BIND=not an address"):
        check_port("not an address", 0)


def test_reserved_port_can_be_listened_on_by_a_server_that_reuses_addresses() -> None:
    with reserved_port() as port, socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("127.0.0.1", port))
        server.listen()


def test_reserved_port_is_not_inherited_by_children() -> None:
    code = "import os; print(sum(os.path.exists(f'/proc/self/fd/{n}') for n in range(3, 99)))"
    with reserved_port():
        said = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )
    assert said.stdout.strip() == "0"
