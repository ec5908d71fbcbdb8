from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch

from fleetserve.clock import SystemClock
from fleetserve.replica.jobs import JobSource
from fleetserve.replica.slot import ComputeSlot
from inference_svc.optimization.chains import Bench
from inference_svc.optimization.hardware import Hardware
from tests.unit.inference_svc.optimization.tiny import TinyEngine

CPU = Hardware("cpu", "cpu", "x86_64", frozenset({"avx2"}))


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(CPU, tmp_path, "2.0")


@pytest.fixture
def engine() -> TinyEngine:
    engine = TinyEngine()
    engine.load()
    return engine


@pytest.fixture
def jobs(slot: ComputeSlot) -> JobSource:
    return JobSource("optimize", slot, SystemClock())


@pytest.fixture
def thread() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as thread:
        yield thread
