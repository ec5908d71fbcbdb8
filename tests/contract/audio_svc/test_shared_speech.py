"""What an engine has to do whose utterances take steps together."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from audio_svc.speech.base import Samples, SharedSpeech, SpeechEngine, Utterance
from audio_svc.speech.memory import ChoirSpeech
from audio_svc.speech.speecht5 import SpeechT5Engine
from audio_svc.speech.vits import SharedVits, load_vits
from tests.checkpoints.published import publish_speecht5
from tests.checkpoints.vits import write_vits

TEXTS = ("Hi.", "Hello, this is a test.", "And a text that is a little longer than the others.")


def make_choir(_folder: Path) -> SpeechEngine:
    return ChoirSpeech()


def make_speecht5(folder: Path) -> SpeechEngine:
    engine = SpeechT5Engine(publish_speecht5(folder), "cpu")
    engine.warm_up()
    return engine


def make_vits(folder: Path) -> SpeechEngine:
    """As on a device where it is faster."""
    write_vits(folder, speakers=3)
    return SharedVits(folder, "cpu")


def make_vits_on_cuda(folder: Path) -> SpeechEngine:
    torch.backends.cudnn.allow_tf32 = False  # As open_device() has it.
    write_vits(folder, speakers=3)
    engine = load_vits(folder, "cuda:0")
    engine.warm_up()
    return engine


@pytest.fixture(
    scope="module",
    params=[
        make_choir,
        make_speecht5,
        make_vits,
        pytest.param(make_vits_on_cuda, marks=pytest.mark.gpu),
    ],
)
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    make: Callable[[Path], SpeechEngine] = request.param
    made = make(tmp_path_factory.mktemp("models"))
    assert isinstance(made, SharedSpeech)
    return made


@pytest.fixture
def utterances(engine: Any) -> list[Utterance]:
    voices = engine.voices()
    return [
        Utterance(TEXTS[number % 3], voices[number % len(voices)], seed=number)
        for number in range(5)
    ]


def alone(engine: Any, utterance: Utterance) -> Samples:
    pieces = [piece for piece in engine.synthesize(utterance) if piece is not None]
    return np.concatenate([piece.samples for piece in pieces])


def finish_all(engine: Any, readings: list[Any]) -> list[Samples]:
    while going := [reading for reading in readings if not reading.ended]:
        engine.advance(going)
    return [engine.finish(reading).samples for reading in readings]


def check_equal(made: Samples, expected: Samples) -> None:
    assert len(made) == len(expected)
    assert np.abs(made - expected).max() < 1e-4


def test_company_changes_nothing_but_rounding(engine: Any, utterances: list[Utterance]) -> None:
    made = finish_all(engine, [engine.open(one) for one in utterances])
    for samples, one in zip(made, utterances, strict=True):
        check_equal(samples, alone(engine, one))


def test_one_that_joins_late_is_spoken_alike(engine: Any, utterances: list[Utterance]) -> None:
    first = engine.open(utterances[1])
    engine.advance([first])
    late = engine.open(utterances[0])
    made = finish_all(engine, [first, late])
    check_equal(made[0], alone(engine, utterances[1]))
    check_equal(made[1], alone(engine, utterances[0]))


def test_one_that_is_left_behind_does_not_disturb_the_others(
    engine: Any, utterances: list[Utterance]
) -> None:
    readings = [engine.open(one) for one in utterances[:2]]
    engine.advance(readings)
    check_equal(finish_all(engine, readings[1:])[0], alone(engine, utterances[1]))
