"""What services may use of fleetserve changes only on purpose."""

from tests.architecture.checkout import Checkout
from tests.architecture.conftest import Sample
from tests.architecture.surface import STORED, surface


def test_public_surface_is_the_one_written_down(checkout: Checkout) -> None:
    now, stored = surface(checkout).splitlines(), STORED.read_text().splitlines()
    changes = [f"+ {line}" for line in now if line not in stored]
    changes += [f"- {line}" for line in stored if line not in now]
    assert changes == [], "meant? then run: python -m tests.architecture.surface"


def test_surface_sees_functions_classes_and_constants(sample: Sample) -> None:
    text = (
        "A = 1\nB: int = 2\n_C = 3\n"
        "def f(x, *, y): ...\n"
        "def _g(): ...\n"
        "class D:\n    def m(self): ...\n    def _n(self): ...\n"
    )
    made = sample({"shared/src/fleetserve/a.py": text, "shared/src/fleetserve/cli/b.py": "X = 1\n"})
    assert surface(made).splitlines() == [
        "fleetserve.a.A",
        "fleetserve.a.B",
        "fleetserve.a.D",
        "fleetserve.a.f(x, y=)",
    ]
