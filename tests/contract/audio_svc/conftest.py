import pytest
import torch


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> None:
    """As in a replica with one core; more threads than free cores spin against each other."""
    torch.set_num_threads(1)
