from pathlib import Path

import pytest

from gpu_svc.hardware import Cpu
from gpu_svc.probe.cpu import CpuProbe

CPUINFO = """processor : 0
model name\t: Intel(R) Xeon(R) Platinum 8481C
flags\t\t: fpu sse avx avx2 avx512f amx_bf16 amx_tile unheard_of
"""
MEMINFO = "MemTotal:       16000000 kB\nMemFree: 1 kB\nMemAvailable:    8000000 kB\n"


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    folder = tmp_path / "proc"
    folder.mkdir()
    (folder / "cpuinfo").write_text(CPUINFO)
    (folder / "meminfo").write_text(MEMINFO)
    return folder


@pytest.fixture
def cgroup(tmp_path: Path) -> Path:
    folder = tmp_path / "cgroup"
    folder.mkdir()
    return folder


def read(proc: Path, cgroup: Path) -> Cpu:
    (cpu,) = CpuProbe(proc, cgroup).devices().devices
    assert isinstance(cpu, Cpu)
    return cpu


def test_name_features_and_memory_are_the_systems(proc: Path, cgroup: Path) -> None:
    cpu = read(proc, cgroup)
    assert cpu.name == "Intel(R) Xeon(R) Platinum 8481C"
    assert cpu.features == ("avx", "avx2", "avx512f", "amx_tile", "amx_bf16")
    assert (cpu.memory_mb, cpu.available_memory_mb) == (15625.0, 7812.5)
    assert 1 <= cpu.available_cores <= cpu.logical_cores


def test_container_bounds_count(proc: Path, cgroup: Path) -> None:
    (cgroup / "cpu.max").write_text("50000 100000\n")
    (cgroup / "memory.max").write_text(str(1024**3))
    (cgroup / "memory.current").write_text(str(512 * 1024**2))
    (cgroup / "memory.stat").write_text("anon 1\ninactive_file 0\n")
    cpu = read(proc, cgroup)
    assert cpu.available_cores == 0.5
    assert (cpu.memory_mb, cpu.available_memory_mb) == (1024.0, 512.0)


def test_unbounded_container_has_the_whole_machine(proc: Path, cgroup: Path) -> None:
    (cgroup / "cpu.max").write_text("max 100000\n")
    (cgroup / "memory.max").write_text("max\n")
    assert read(proc, cgroup).memory_mb == 15625.0


def test_a_system_without_proc_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    cpu = read(tmp_path / "none", tmp_path / "none")
    assert cpu.name
    assert (cpu.features, cpu.available_memory_mb) == ((), None)
