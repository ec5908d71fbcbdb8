"""VITS against the library's own call on the same files."""

import asyncio
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import VitsModel, VitsTokenizer

from audio_svc.audio.encoding import FORMATS
from audio_svc.speaking import SpeechOrder, Spoken, plan_speech
from audio_svc.speaking import speak as speaking
from audio_svc.speech import vits
from audio_svc.speech.base import Samples, SharedSpeech, SpeechPiece, Utterance
from audio_svc.speech.vits import MAX_SECONDS, OpenVits, SharedVits, VitsEngine, load_vits
from fleetserve.clock import ManualClock
from fleetserve.replica.jobs import JobSource
from fleetserve.replica.slot import ComputeSlot
from tests.checkpoints.vits import write_vits

SENTENCE = "Hello, this is a test."
BROKEN = "This one is broken."


@pytest.fixture(scope="module")
def english(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("vits")
    write_vits(folder)
    return folder


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("vits-several")
    write_vits(folder, speakers=3)
    return folder


@pytest.fixture(scope="module")
def engine(english: Path) -> VitsEngine:
    return VitsEngine(english, "cpu")


def speak(engine: VitsEngine, utterance: Utterance) -> SpeechPiece:
    (piece,) = [piece for piece in engine.synthesize(utterance) if piece is not None]
    return piece


def library(folder: Path, text: str, seed: int, speaker: int | None = None) -> Samples:
    """What anybody gets who follows the model's card."""
    model: Any = VitsModel.from_pretrained(folder)
    inputs: Any = VitsTokenizer.from_pretrained(folder)(text, return_tensors="pt")
    torch.manual_seed(seed)
    samples: Samples = model(**inputs, speaker_id=speaker).waveform[0].detach().numpy()
    return samples


def check_equal(made: Samples, expected: Samples) -> None:
    """But for the order in which the vocoder's products are added up."""
    assert made.shape == expected.shape
    assert np.abs(made - expected).max() < 1e-5


@pytest.mark.parametrize("text", ["Hi", SENTENCE, "many words " * 36])
@pytest.mark.parametrize("seed", [0, 42])
def test_seeded_speech_equals_the_librarys(
    engine: VitsEngine, english: Path, text: str, seed: int
) -> None:
    made = speak(engine, Utterance(text, "default", seed=seed)).samples
    check_equal(made, library(english, text, seed))


@pytest.mark.parametrize("speaker", [0, 2])
def test_each_numbered_voice_is_that_row_of_the_library(several: Path, speaker: int) -> None:
    engine = VitsEngine(several, "cpu")
    made = speak(engine, Utterance(SENTENCE, f"speaker_{speaker}", seed=1)).samples
    check_equal(made, library(several, SENTENCE, 1, speaker))


def test_plain_duration_predictor_equals_the_librarys(tmp_path: Path) -> None:
    write_vits(tmp_path, use_stochastic_duration_prediction=False, speaking_rate=0.5)
    made = speak(VitsEngine(tmp_path, "cpu"), Utterance(SENTENCE, "default", seed=1)).samples
    check_equal(made, library(tmp_path, SENTENCE, 1))


def library_words(
    folder: Path, text: str, seed: int, speaker: int | None = None
) -> list[tuple[str, float, float]]:
    """Of lower-case words that a space parts, by the durations of the library's own call."""
    model: Any = VitsModel.from_pretrained(folder)
    told: list[torch.Tensor] = []
    model.duration_predictor.register_forward_hook(lambda _module, _args, out: told.append(out))
    torch.manual_seed(seed)
    inputs: Any = VitsTokenizer.from_pretrained(folder)(text, return_tensors="pt")
    model(**inputs, speaker_id=speaker)
    frames = torch.ceil(torch.exp(told[0]) / model.speaking_rate)[0, 0]
    # A blank stands before the first letter, and one behind each.
    ends_s = (frames.cumsum(0) * 256 / 16000).tolist()
    return [
        (word[0], ends_s[2 * word.start()], ends_s[2 * word.end()])
        for word in re.finditer("[a-z]+", text)
    ]


@pytest.mark.parametrize("seed", [0, 42])
@pytest.mark.parametrize("speaker", [None, 2])
def test_words_are_said_when_the_librarys_durations_have_them(
    english: Path, several: Path, seed: int, speaker: int | None
) -> None:
    folder, voice = (english, "default") if speaker is None else (several, f"speaker_{speaker}")
    piece = speak(VitsEngine(folder, "cpu"), Utterance("Hello, this is a test.", voice, seed=seed))
    expected = library_words(folder, "hello this is a test", seed, speaker)
    assert [word.word for word in piece.words] == ["Hello", "this", "is", "a", "test"]
    for word, (_, start_s, end_s) in zip(piece.words, expected, strict=True):
        assert (word.start_s, word.end_s) == pytest.approx((start_s, end_s))


def test_pickled_weights_speak_alike(engine: VitsEngine, tmp_path: Path) -> None:
    write_vits(tmp_path)
    (tmp_path / "model.safetensors").unlink()
    utterance = Utterance(SENTENCE, "default", seed=1)
    pickled = speak(VitsEngine(tmp_path, "cpu"), utterance).samples
    # Weights in a mapped file are aligned otherwise, which moves the last bits of BLAS.
    assert np.allclose(pickled, speak(engine, utterance).samples, atol=1e-4)


def test_global_generator_is_neither_read_nor_moved(engine: VitsEngine) -> None:
    torch.manual_seed(11)
    before = torch.get_rng_state()
    speak(engine, Utterance(SENTENCE, "default", seed=3))
    speak(engine, Utterance(SENTENCE, "default"))
    assert torch.equal(torch.get_rng_state(), before)


def test_endless_durations_are_cut_and_said_to_be(english: Path) -> None:
    engine = VitsEngine(english, "cpu")
    engine._model.speaking_rate = 1e-4
    engine._max_frames = 500
    piece = speak(engine, Utterance(SENTENCE, "default", seed=1))
    assert not piece.complete
    assert len(piece.samples) == 500 * 256
    # The blank before the first letter takes them all.
    assert not piece.words


def test_words_end_where_the_speech_was_cut(english: Path) -> None:
    engine = VitsEngine(english, "cpu")
    engine._max_frames = 30
    piece = speak(engine, Utterance(SENTENCE, "default", seed=1))
    cut_s = 30 * 256 / 16000
    whole = library_words(english, "hello this is a test", 1)
    begun = [(start_s, min(end_s, cut_s)) for _, start_s, end_s in whole if start_s < cut_s]
    assert 0 < len(begun) < 5
    assert [word.start_s for word in piece.words] == pytest.approx([start for start, _ in begun])
    assert [word.end_s for word in piece.words] == pytest.approx([end for _, end in begun])


def test_traits_are_those_of_the_files(engine: VitsEngine) -> None:
    assert engine.traits.sample_rate_hz == 16000
    assert engine.traits.languages == ("en",)
    assert engine.traits.embedding_size == 0
    assert engine.voices() == ("default",)
    assert engine._max_frames == MAX_SECONDS * 16000 / 256


def test_what_only_training_needs_is_not_kept(engine: VitsEngine, english: Path) -> None:
    model: Any = VitsModel.from_pretrained(english)
    unused = sum(part.nbytes for part in model.posterior_encoder.parameters())
    assert engine.storage_bytes < model.num_parameters() * 4 - 0.9 * unused


def test_passes_are_shared_where_the_device_wins_by_it(
    english: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not isinstance(load_vits(english, "cpu"), SharedSpeech)
    monkeypatch.setattr(vits, "shares_passes", lambda _device: True)
    assert isinstance(load_vits(english, "cpu"), SharedSpeech)


class Company(SharedVits):
    """With an utterance whose pass can't be computed; ``sizes`` tells how many shared one."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, "cpu")
        self.sizes: list[int] = []

    def open(self, utterance: Utterance) -> OpenVits:
        opened = super().open(utterance)
        if utterance.text == BROKEN:
            opened.reading.latents = opened.reading.latents[:, :-1]
        return opened

    def advance(self, opened: Sequence[OpenVits]) -> None:
        super().advance(opened)
        self.sizes.append(len(opened))


class Requests:
    """Orders at one engine, the slot run unit by unit."""

    def __init__(self, engine: Company) -> None:
        clock = ManualClock(100.0)
        self._engine = engine
        self._slot = ComputeSlot("cpu", clock)
        self._source = JobSource("m", self._slot, clock, max_active=16)

    def start(self, text: str, seed: int) -> asyncio.Task[list[Spoken]]:
        plan = plan_speech(SpeechOrder(text, FORMATS["pcm"], seed=seed), self._engine)
        return asyncio.create_task(self._source.run_steps(lambda: speaking(self._engine, plan)))

    async def run(self, most: int = 1000) -> None:
        for _ in range(5):
            await asyncio.sleep(0)
        while most and self._slot._run_one():
            most -= 1
            await asyncio.sleep(0)


@pytest.fixture(scope="module")
def company(english: Path) -> Company:
    return Company(english)


async def check_heard(task: asyncio.Task[list[Spoken]], engine: Company, seed: int) -> None:
    (spoken,) = await task
    alone = speak(engine, Utterance(spoken.breath.text, "default", seed=seed)).samples
    assert spoken.samples.shape == alone.shape
    assert np.abs(spoken.samples - alone).max() < 1e-4


async def test_requests_share_a_pass_and_one_that_fails_fails_alone(company: Company) -> None:
    company.sizes.clear()
    requests = Requests(company)
    texts = ["Hi", SENTENCE, BROKEN, "many words " * 5]
    tasks = [requests.start(text, seed) for seed, text in enumerate(texts)]
    await requests.run()
    with pytest.raises(RuntimeError, match="size"):
        await tasks.pop(2)
    assert company.sizes == [2, 1]  # The half without the broken one, and then what is left.
    for seed, task in zip((0, 1, 3), tasks, strict=True):
        await check_heard(task, company, seed)


async def test_who_leaves_is_not_in_the_pass_of_the_others(company: Company) -> None:
    company.sizes.clear()
    requests = Requests(company)
    tasks = [requests.start(SENTENCE, seed) for seed in range(3)]
    await requests.run(2)  # The first waits for the vocoder.
    tasks[0].cancel()
    await requests.run()
    assert company.sizes == [2]
    for seed in (1, 2):
        await check_heard(tasks[seed], company, seed)
