import pytest
import torch

from audio_svc.speech.vallex_model import Cache, Places, Vallex
from audio_svc.speech.vallex_weights import load_vallex
from tests.checkpoints.vallex import FILE, LAYERS, WIDTH, write_vallex
from tests.steps import count_steps


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Vallex:
    folder = tmp_path_factory.mktemp("vallex")
    write_vallex(folder)
    return load_vallex(folder / FILE)


def walk(model: Vallex, hidden: torch.Tensor, cache: Cache) -> tuple[torch.Tensor, int]:
    """What comes out, and how often it rested."""
    mask = torch.ones(hidden.shape[1], hidden.shape[1], dtype=torch.bool).tril()
    rests, walked = count_steps(model.ar_decoder.walk(hidden, mask=mask, cache=cache))
    return walked, rests


def test_what_is_kept_grows_and_stays_in_its_order() -> None:
    cache, given = Cache(1), torch.arange(20.0).view(1, 1, 20, 1)
    for begin, end in ((0, 3), (3, 4), (4, 15), (15, 20)):
        keys, values = cache.add(0, given[:, :, begin:end], -given[:, :, begin:end])
        assert torch.equal(keys, given[:, :, :end])
        assert torch.equal(values, -given[:, :, :end])


def test_places_that_follow_one_by_one_are_as_those_at_once(model: Vallex) -> None:
    hidden = torch.randn(1, 9, WIDTH, generator=torch.Generator().manual_seed(0))
    expected, rests = walk(model, hidden, Cache(LAYERS))
    cache = Cache(LAYERS)
    begin, _rests = walk(model, hidden[:, :4], cache)
    with torch.inference_mode():
        later = [model.ar_decoder(hidden[:, place : place + 1], cache) for place in range(4, 9)]
    assert rests == LAYERS
    assert torch.allclose(torch.cat([begin, *later], dim=1), expected, atol=1e-5)


def test_places_are_counted_from_where_they_begin() -> None:
    zeros, places = torch.zeros(1, 7, 8), Places()
    with torch.no_grad():
        assert torch.allclose(places(zeros[:, :3], 4), places(zeros)[:, 4:])
        assert torch.allclose(places(zeros)[0, 0], torch.tensor([0.0, 1.0]).repeat(4))
