from pathlib import Path

from fleetserve.supervisor.output import OutputFile, OutputRing


def test_ring_gives_the_last_lines() -> None:
    ring = OutputRing()
    ring.write(b"one\ntwo\nthr")
    ring.write(b"ee\n\n")
    assert ring.tail(2) == ["two", "three"]


def test_ring_keeps_the_end_within_its_limit() -> None:
    ring = OutputRing(limit=10)
    for number in range(1000):
        ring.write(f"{number}\n".encode())
    assert ring.tail(100)[-2:] == ["998", "999"]
    assert sum(len(line) + 1 for line in ring.tail(100)) <= 10


def test_ring_takes_the_end_of_a_chunk_that_is_too_big() -> None:
    ring = OutputRing(limit=4)
    ring.write(b"abcdefgh")
    assert ring.tail(1) == ["efgh"]


def test_ring_shows_what_is_not_utf8() -> None:
    ring = OutputRing()
    ring.write(b"caf\xe9\n")
    assert ring.tail(1) == ["caf\ufffd"]


def test_empty_ring_and_no_lines_give_nothing() -> None:
    ring = OutputRing()
    assert ring.tail(5) == []
    ring.write(b"x\n")
    assert ring.tail(0) == []


def test_file_gets_everything_and_rotates(tmp_path: Path) -> None:
    path = tmp_path / "svc.out"
    file = OutputFile(path, limit=5)
    for chunk in (b"first\n", b"second\n", b"third\n"):
        file.write(chunk)
    assert path.read_bytes() == b"third\n"
    assert path.with_name("svc.out.1").read_bytes() == b"second\n"


def test_file_that_cannot_be_written_stops_nobody(tmp_path: Path) -> None:
    OutputFile(tmp_path / "no such folder" / "svc.out").write(b"lost\n")
