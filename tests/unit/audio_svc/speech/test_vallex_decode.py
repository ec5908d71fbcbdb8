import pytest
import torch

from audio_svc.speech.vallex_decode import Line, Prompt, VallexDecoder
from audio_svc.speech.vallex_model import Vallex
from audio_svc.speech.vallex_weights import load_vallex
from fleetserve.replica.stepwise import run_to_end
from tests.checkpoints.encodec import CODES
from tests.checkpoints.vallex import CODEBOOKS, FILE, make_vallex, write_vallex
from tests.unit.audio_svc.speech.vallex_reference import speak

SIGNS = [24, 42, 34, 16, 47, 10]
STATED = list(range(20, 29))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Vallex:
    folder = tmp_path_factory.mktemp("vallex")
    write_vallex(folder)
    return load_vallex(folder / FILE)


def decode(model: Vallex, prompt: Prompt, line: Line, seed: int) -> torch.Tensor:
    steps = VallexDecoder(model, prompt, line, torch.Generator().manual_seed(seed)).decode()
    codes, _ended = run_to_end(steps)
    return codes


@pytest.mark.parametrize(("told", "said"), [(0, 1), (2, 0)])
def test_languages_of_prompt_and_text_are_their_own(model: Vallex, told: int, said: int) -> None:
    codes = torch.randint(0, CODES, (130, CODEBOOKS), generator=torch.Generator().manual_seed(1))
    prompt = Prompt(codes, torch.tensor(STATED), told)
    made = decode(model, prompt, Line(torch.tensor(SIGNS), said), 4)
    languages = [told] * len(STATED) + [said] * len(SIGNS)
    assert torch.equal(made, speak(make_vallex(), codes, STATED + SIGNS, languages, 4, 240))
    assert len({tuple(frame) for frame in made.tolist()}) > 10
