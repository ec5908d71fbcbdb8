import gc
import io
import os
from pathlib import Path

import pytest

from fleetserve.errors import DoesNotFitError
from fleetserve.spooled_file import SpooledFile

DATA = bytes(range(256)) * 100


@pytest.fixture
def file(tmp_path: Path) -> SpooledFile:
    file = SpooledFile(tmp_path / "spool")
    for start in range(0, len(DATA), 1000):
        file.write(memoryview(DATA)[start : start + 1000])
    return file


def test_what_was_written_is_read_by_each_reader_from_its_start(file: SpooledFile) -> None:
    first, second = file.open(), file.open()
    assert first.read(10) == DATA[:10]
    assert second.read() == DATA
    assert first.read() == DATA[10:]
    assert len(file) == file.size == len(DATA)


def test_reader_moves_like_that_of_any_file(file: SpooledFile) -> None:
    reader = file.open()
    assert reader.seek(-6, io.SEEK_END) == len(DATA) - 6
    assert reader.read(3) == DATA[-6:-3]
    assert reader.seek(1, io.SEEK_CUR) == len(DATA) - 2
    assert reader.tell() == len(DATA) - 2
    assert reader.read(9) == DATA[-2:]
    assert reader.read(9) == b""


@pytest.mark.parametrize("head", [b"", b"another head"])
def test_head_takes_the_place_of_the_first_bytes(file: SpooledFile, head: bytes) -> None:
    told = head + DATA[300:]
    assert file.open(head=head, skip=300).read() == told
    reader = file.open(head=head, skip=300)
    assert reader.seek(0, io.SEEK_END) == len(told)
    reader.seek(5)
    assert reader.read(20) == told[5:25]


def test_map_shows_the_bytes(file: SpooledFile) -> None:
    with file.map() as content:
        assert content[500:510] == DATA[500:510]
        assert content.rfind(b"\xff") == len(DATA) - 1


def test_it_has_no_name_and_is_gone_with_its_last_holder(file: SpooledFile, tmp_path: Path) -> None:
    assert list((tmp_path / "spool").iterdir()) == []
    descriptor = file._descriptor
    reader = SpooledFile(tmp_path).open()  # Keeps its file.
    assert reader.read() == b""
    other = SpooledFile(tmp_path)
    number = other._descriptor
    del other
    gc.collect()
    with pytest.raises(OSError, match="descriptor"):
        os.fstat(number)
    assert os.fstat(descriptor).st_size == len(DATA)


def test_full_disk_is_told(tmp_path: Path) -> None:
    file = SpooledFile(tmp_path)
    os.dup2(os.open("/dev/full", os.O_RDWR), file._descriptor)
    with pytest.raises(DoesNotFitError, match="FLEETSERVE_CACHE_DIR"):
        file.write(b"abc")
    assert file.size == 0
