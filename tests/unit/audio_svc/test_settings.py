import subprocess
import sys

import pytest

from audio_svc.settings import load_settings
from fleetserve.config_sources import SettingsError
from fleetserve.supervisor.environment import usable_cores


def test_threads_are_those_that_were_given() -> None:
    assert load_settings({"TORCH_THREADS": "3"}).torch_threads == 3


def test_threads_are_the_share_of_the_cores_otherwise() -> None:
    expected = max(1, usable_cores() // 2)  # One inference and one audio replica.
    assert load_settings({}).torch_threads == expected


def test_more_replicas_leave_at_least_one_thread() -> None:
    assert load_settings({"FLEETSERVE_AUDIO__REPLICAS": "64"}).torch_threads == 1


def test_wrong_value_is_told() -> None:
    with pytest.raises(SettingsError, match="max_audio_seconds"):
        load_settings({"MAX_AUDIO_SECONDS": "long"})


def test_environment_of_native_libraries_is_set() -> None:
    code = (
        "import os; from audio_svc.settings import apply_environment, load_settings;"
        "apply_environment(load_settings({'TORCH_THREADS': '2'}));"
        "print(os.environ['OMP_WAIT_POLICY'], os.environ['OMP_NUM_THREADS'],"
        " os.environ['OPENBLAS_NUM_THREADS'], os.environ['HF_HUB_OFFLINE'])"
    )
    made = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert made.stdout.split() == ["PASSIVE", "2", "1", "1"]


def test_nothing_that_reads_the_environment_is_imported_before_it_is_set() -> None:
    code = "import sys, audio_svc.__main__; print({'numpy', 'scipy', 'torch'} & set(sys.modules))"
    made = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert made.stdout.strip() == "set()"
