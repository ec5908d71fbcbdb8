import errno
import os
import threading
from collections.abc import Iterator
from io import FileIO
from pathlib import Path
from typing import Any

import pytest
import structlog

from fleetserve.log_file import LogFile, LogSink


@pytest.fixture
def file(tmp_path: Path) -> Iterator[LogFile]:
    file = LogFile(tmp_path / "logs", "gateway", max_bytes=100, keep=2)
    yield file
    file.close()


def test_folder_and_file_are_made(file: LogFile, tmp_path: Path) -> None:
    assert file.path == tmp_path / "logs" / "gateway.jsonl"
    assert file.path.read_bytes() == b""


def test_lines_are_there_at_once(file: LogFile) -> None:
    file.write(b"one\n")
    assert file.path.read_bytes() == b"one\n"


def test_restarted_process_appends(file: LogFile, tmp_path: Path) -> None:
    file.write(b"one\n")
    again = LogFile(tmp_path / "logs", "gateway", max_bytes=100, keep=2)
    again.write(b"two\n")
    again.close()
    assert file.path.read_bytes() == b"one\ntwo\n"


def test_file_rotates_before_it_passes_its_bound_and_the_oldest_goes(file: LogFile) -> None:
    for number in range(5):
        file.write(b"%d" % number + b"." * 58 + b"\n")
    folder = file.path.parent
    assert sorted(p.name for p in folder.iterdir()) == [
        "gateway.jsonl",
        "gateway.jsonl.1",
        "gateway.jsonl.2",
    ]
    assert file.path.read_bytes()[:1] == b"4"
    assert (folder / "gateway.jsonl.1").read_bytes()[:1] == b"3"
    assert (folder / "gateway.jsonl.2").read_bytes()[:1] == b"2"


def test_bound_holds_over_a_restart(file: LogFile, tmp_path: Path) -> None:
    file.write(b"a" * 89 + b"\n")
    again = LogFile(tmp_path / "logs", "gateway", max_bytes=100, keep=2)
    again.write(b"b" * 89 + b"\n")
    again.close()
    assert file.path.read_bytes()[:1] == b"b"
    assert file.path.with_suffix(".jsonl.1").read_bytes()[:1] == b"a"


def test_line_over_the_bound_is_written_whole(file: LogFile) -> None:
    file.write(b"a" * 150 + b"\n")
    assert len(file.path.read_bytes()) == 151
    assert not file.path.with_suffix(".jsonl.1").exists()


def test_lines_of_several_threads_stay_whole(tmp_path: Path) -> None:
    file = LogFile(tmp_path, "gateway", max_bytes=2_000, keep=50)

    def write(letter: bytes) -> None:
        for _ in range(200):
            file.write(letter * 19 + b"\n")

    threads = [threading.Thread(target=write, args=(letter,)) for letter in (b"a", b"b", b"c")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    file.close()
    lines = [line for path in tmp_path.iterdir() for line in path.read_bytes().splitlines()]
    assert len(lines) == 600
    assert all(len(line) == 19 and len(set(line)) == 1 for line in lines)


def test_gathered_lines_wait_for_the_flush(file: LogFile) -> None:
    sink = LogSink(file, stdout=False)
    sink.write_soon(b"one\n")
    sink.write_soon(b"two\n")
    assert file.path.read_bytes() == b""
    sink.flush()
    assert file.path.read_bytes() == b"one\ntwo\n"


def test_owner_is_told_of_the_first_gathered_line_alone(file: LogFile) -> None:
    sink, told = LogSink(file, stdout=False), []
    sink.on_gathered = lambda: told.append(file.path.read_bytes())
    sink.write_soon(b"one\n")
    sink.write_soon(b"two\n")
    assert told == [b""]
    sink.flush()
    sink.write_soon(b"three\n")
    assert told == [b"", b"one\ntwo\n"]


def test_order_is_kept_between_both_ways_of_writing(file: LogFile) -> None:
    sink = LogSink(file, stdout=False)
    sink.write_soon(b"one\n")
    sink.write(b"two\n")
    assert file.path.read_bytes() == b"one\ntwo\n"


def test_gathering_is_bounded(tmp_path: Path) -> None:
    file = LogFile(tmp_path, "gateway", max_bytes=1 << 20, keep=1)
    sink = LogSink(file, stdout=False)
    for _ in range(LogSink.GATHER_BYTES // 64):
        sink.write_soon(b"x" * 63 + b"\n")
    assert file.path.stat().st_size == LogSink.GATHER_BYTES
    file.close()


def test_stdout_gets_the_same_lines(
    file: LogFile, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    LogSink(file, stdout=True).write(b"one\n")
    assert capsysbinary.readouterr().out == b"one\n"
    assert file.path.read_bytes() == b"one\n"


class SmallDisk(FileIO):
    """A file on a disk that has so many bytes left; real ones write what fits, then fail."""

    left = 0

    def write(self, data: Any) -> int:
        fits = bytes(data)[: self.left]
        if not fits:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.left -= len(fits)
        return super().write(fits)


@pytest.fixture
def disk(file: LogFile) -> SmallDisk:
    file.close()
    disk = SmallDisk(file.path, "ab")
    file._file = disk
    return disk


def test_full_disk_is_told_and_a_torn_line_ends(file: LogFile, disk: SmallDisk) -> None:
    disk.left = 6
    file.write(b"one\n")
    for _ in range(2):
        with pytest.raises(OSError, match="No space left"):
            file.write(b"two\n")
    disk.left = 100
    file.write(b"six\n")
    file.write(b"ten\n")
    assert file.path.read_bytes() == b"one\ntw\nsix\nten\n"


def test_line_that_can_not_be_written_takes_nobody_down(file: LogFile, disk: SmallDisk) -> None:
    sink = LogSink(file, stdout=False)
    sink.write(b"one\n")
    sink.write_soon(b"two\n")
    sink.write_soon(b"six\n")
    sink.flush()
    disk.left = 100
    with structlog.testing.capture_logs() as told:
        sink.write(b"ten\n")
        sink.write(b"end\n")
    assert told == [{"event": "log.lines_lost", "lines": 3, "log_level": "warning"}]
    assert file.path.read_bytes() == b"ten\nend\n"
