from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from inference_svc.engine.base import ModelEngine, finish

Write = Callable[[Path], None]


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> Iterator[None]:
    """As a replica sets it: with more, threads of busy processes spin against each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Write], Path]:
    """Writes each kind of checkpoint once; its folder."""
    written: dict[Write, Path] = {}

    def get(write: Write) -> Path:
        if write not in written:
            written[write] = tmp_path_factory.mktemp("checkpoint")
            write(written[write])
        return written[write]

    return get


class Run:
    """Runs inputs through an engine, together and one by one."""

    def together(self, engine: ModelEngine, values: Sequence[Any], **parameters: Any) -> list[Any]:
        options = engine.read_parameters(parameters)
        return list(finish(engine.predict_batch([engine.prepare(v, options) for v in values])))

    def apart(self, engine: ModelEngine, values: Sequence[Any], **parameters: Any) -> list[Any]:
        return [self.together(engine, [value], **parameters)[0] for value in values]


@pytest.fixture(scope="session")
def run() -> Run:
    return Run()
