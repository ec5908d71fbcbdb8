import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fleetserve.errors import InvalidFieldError
from inference_svc.engine.example import SEED, WIDTHS, ExampleEngine

vectors = st.lists(st.floats(-1e6, 1e6, width=32), max_size=10)


@pytest.fixture(scope="module")
def engine() -> Iterator[ExampleEngine]:
    engine = ExampleEngine("cpu")
    engine.load()
    yield engine
    engine.unload()


def predict(engine: ExampleEngine, *vectors: list[float]) -> list[object]:
    return list(engine.predict_batch([engine.prepare(v, None) for v in vectors]))


def test_it_is_the_mlp_that_the_contract_says(engine: ExampleEngine) -> None:
    """Rebuilt here from torch's own modules and the seed."""
    generator = torch.Generator().manual_seed(SEED)
    layers: list[torch.nn.Module] = []
    for fan_in, fan_out in ((10, 64), (64, 32), (32, 1)):
        layer = torch.nn.Linear(fan_in, fan_out)
        bound = fan_in**-0.5
        weight = torch.empty(fan_in, fan_out).uniform_(-bound, bound, generator=generator)
        layer.weight.data = weight.T.contiguous()
        layer.bias.data.uniform_(-bound, bound, generator=generator)
        layers += [layer, torch.nn.ReLU()]
    model = torch.nn.Sequential(*layers[:-1]).double()
    with torch.no_grad():
        expected = model(torch.tensor([[1.0, 2, 3, 4, 5, 0, 0, 0, 0, 0]]).double()).float().item()
    assert predict(engine, [1.0, 2.0, 3.0, 4.0, 5.0]) == [expected]


def test_its_weights_are_counted(engine: ExampleEngine) -> None:
    sizes = pairwise(WIDTHS)
    numbers = sum(fan_in * fan_out + fan_out for fan_in, fan_out in sizes)
    fresh = ExampleEngine("cpu")
    assert fresh.load() == numbers * 8


def test_a_short_vector_is_padded_with_zeros(engine: ExampleEngine) -> None:
    assert predict(engine, [1.5]) == predict(engine, [1.5] + [0.0] * 9)
    assert predict(engine, []) == predict(engine, [0.0] * 10)


def test_a_long_vector_is_refused(engine: ExampleEngine) -> None:
    with pytest.raises(InvalidFieldError, match="at most 10"):
        engine.prepare([0.0] * 11, None)


def test_numbers_beyond_float32_are_refused(engine: ExampleEngine) -> None:
    with pytest.raises(InvalidFieldError, match="float32"):
        engine.prepare([0.0, -1e39], None)


def test_a_result_that_is_not_finite_is_that_inputs_error() -> None:
    engine = ExampleEngine("cpu")
    engine.load()
    engine._layers[-1][0].mul_(1e6)
    large, fine = predict(engine, [3.4e38] * 10, [1.0])
    assert isinstance(large, InvalidFieldError)
    assert isinstance(fine, float)


@settings(deadline=None)
@given(st.lists(vectors, min_size=1, max_size=40))
def test_a_result_does_not_depend_on_its_batch(vectors: list[list[float]]) -> None:
    engine = ExampleEngine("cpu")
    engine.load()
    together = predict(engine, *vectors)
    assert together == [predict(engine, vector)[0] for vector in vectors]


def test_every_process_has_the_same_weights(engine: ExampleEngine) -> None:
    program = (
        "import torch; torch.manual_seed(5); torch.rand(3)\n"
        "from inference_svc.engine.example import ExampleEngine\n"
        "e = ExampleEngine('cpu'); e.load()\n"
        "print(e.predict_batch([e.prepare([1.0, 2.0, 3.0, 4.0, 5.0], None)])[0])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert float(done.stdout) == predict(engine, [1.0, 2.0, 3.0, 4.0, 5.0])[0]


def test_it_takes_no_parameters(engine: ExampleEngine) -> None:
    with pytest.raises(InvalidFieldError, match=r"parameters\.top_k"):
        engine.read_parameters({"top_k": 1})
