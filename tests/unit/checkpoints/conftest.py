from pathlib import Path

import pytest
import torch

from tests.checkpoints.hub_root import write_hub_root


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def hub_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every repository of the fixtures."""
    root = tmp_path_factory.mktemp("hub")
    write_hub_root(root)
    return root
