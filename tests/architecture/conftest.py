from collections.abc import Callable
from pathlib import Path

import pytest

from tests.architecture.checkout import Checkout

ROOT = Path(__file__).parents[2]
Sample = Callable[[dict[str, str]], Checkout]


@pytest.fixture(scope="session")
def checkout() -> Checkout:
    """This repository."""
    return Checkout(ROOT)


@pytest.fixture
def sample(tmp_path: Path) -> Sample:
    """Makes a small checkout, from paths to texts, to show that a rule can fail."""

    def make(texts: dict[str, str]) -> Checkout:
        for name, text in texts.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return Checkout(tmp_path, [Path(name) for name in texts])

    return make
