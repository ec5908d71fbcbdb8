import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from fleetserve.config_sources import SettingsError
from inference_svc.settings import (
    apply_environment,
    load_settings,
    share_of_cores,
    usable_cores,
)


def environ(tmp_path: Path, **values: str) -> dict[str, str]:
    return {
        "FLEETSERVE_HOME": str(tmp_path),
        "FLEETSERVE_CONFIG": str(tmp_path / "config.yaml"),
        **values,
    }


@pytest.mark.parametrize(
    ("cores", "replicas", "threads"), [(2, 2, 1), (16, 2, 8), (1, 2, 1), (9, 2, 4), (4, 0, 4)]
)
def test_each_replica_gets_whole_cores(cores: int, replicas: int, threads: int) -> None:
    assert share_of_cores(cores, replicas) == threads


def test_torch_threads_can_be_set(tmp_path: Path) -> None:
    assert load_settings(environ(tmp_path, TORCH_THREADS="3")).torch_threads == 3
    assert load_settings(environ(tmp_path)).torch_threads >= 1


def test_a_wrong_device_stops_the_start_with_what_is_allowed(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="DEVICE"):
        load_settings(environ(tmp_path, DEVICE="gpu"))


@pytest.mark.parametrize(
    ("quota", "cores"), [("100000 100000", 1), ("50000 100000", 1), ("max 100000", None)]
)
def test_the_containers_quota_counts(tmp_path: Path, quota: str, cores: int | None) -> None:
    (tmp_path / "cpu.max").write_text(quota + "\n")
    expected = usable_cores(tmp_path / "none") if cores is None else cores
    assert usable_cores(tmp_path / "cpu.max") == expected


def test_threads_of_native_libraries_are_set_before_they_load(tmp_path: Path) -> None:
    process: dict[str, str] = {}
    apply_environment(load_settings(environ(tmp_path, TORCH_THREADS="2")), process)
    assert process["OMP_NUM_THREADS"] == "2"
    assert process["OMP_WAIT_POLICY"] == "PASSIVE"
    assert process["OPENBLAS_NUM_THREADS"] == "1"
    assert process["HF_HUB_OFFLINE"] == "1"


def test_nothing_that_reads_the_environment_is_imported_before_it_is_set() -> None:
    code = "import sys, inference_svc.__main__; print({'numpy', 'torch'} & set(sys.modules))"
    made = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert made.stdout.strip() == "set()"


def compiler_dirs(home: Path) -> set[Path]:
    """Where everything of the compiler goes."""
    process: dict[str, str] = {}
    apply_environment(load_settings(environ(home)), process)
    assert Path(process["TMPDIR"]).is_dir()
    return {Path(process[name]).parent for name in ("TORCHINDUCTOR_CACHE_DIR", "TMPDIR")}


def test_compiled_code_goes_where_code_may_be_executed(tmp_path: Path) -> None:
    assert compiler_dirs(tmp_path) == {tmp_path / "cache"}


def test_compilers_get_no_path_with_spaces(tmp_path: Path) -> None:
    home = tmp_path / "a fleet's home"
    (folder,) = compiler_dirs(home) | compiler_dirs(home)
    assert " " not in str(folder)
    assert folder.stat().st_mode & 0o777 == 0o700
    shutil.rmtree(folder)


def test_a_folder_that_others_can_write_is_not_trusted(tmp_path: Path) -> None:
    (planted,) = compiler_dirs(tmp_path / "with space")
    planted.chmod(0o777)
    (other,) = compiler_dirs(tmp_path / "with space")
    assert other != planted
    for folder in (planted, other):
        shutil.rmtree(folder)
