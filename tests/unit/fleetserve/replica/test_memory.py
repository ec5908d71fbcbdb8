from mmap import mmap
from pathlib import Path

import pytest

from fleetserve.replica.memory import host_free_bytes, resident_bytes


@pytest.fixture
def meminfo(tmp_path: Path) -> Path:
    path = tmp_path / "meminfo"
    path.write_text("MemTotal:       2000 kB\nMemAvailable:   1000 kB\nSwapFree: 5 kB\n")
    return path


def test_the_hosts_available_memory_counts(meminfo: Path, tmp_path: Path) -> None:
    assert host_free_bytes(meminfo, tmp_path / "none") == 1000 * 1024


def test_the_containers_bound_counts_where_it_is_lower(meminfo: Path, tmp_path: Path) -> None:
    (tmp_path / "memory.max").write_text("500000\n")
    (tmp_path / "memory.current").write_text("400000\n")
    (tmp_path / "memory.stat").write_text("anon 1\ninactive_file 50000\n")
    assert host_free_bytes(meminfo, tmp_path) == 150_000


def test_a_container_without_a_bound_has_the_hosts(meminfo: Path, tmp_path: Path) -> None:
    (tmp_path / "memory.max").write_text("max\n")
    (tmp_path / "memory.current").write_text("400000\n")
    (tmp_path / "memory.stat").write_text("")
    assert host_free_bytes(meminfo, tmp_path) == 1000 * 1024


def test_a_system_that_tells_nothing_is_not_guessed(tmp_path: Path) -> None:
    assert host_free_bytes(tmp_path / "none", tmp_path) == -1


def test_this_machine_has_some_memory() -> None:
    assert host_free_bytes() != 0


def test_what_this_process_holds_rises_with_what_it_takes() -> None:
    before = resident_bytes()
    # A mapping of its own: an allocator might hand out what is held already.
    with mmap(-1, 64 << 20) as taken:
        taken.write(bytes(len(taken)))
        assert resident_bytes() - before > len(taken) // 2


def test_unknown_system_holds_nothing(tmp_path: Path) -> None:
    assert resident_bytes(tmp_path / "none") == 0
