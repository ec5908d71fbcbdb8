"""VALL-E X against the plain computation, and its sound against transformers' EnCodec."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from transformers import EncodecModel

from audio_svc.built_in import FOLDER
from audio_svc.speech.base import Samples, SpeechPiece, Utterance, VoiceSample
from audio_svc.speech.pronouncing import Pronouncer
from audio_svc.speech.vallex import EXPERIMENTAL, NO_PRESET, SAMPLES_KEPT, VallexEngine
from audio_svc.speech.vallex_text import signs_of
from fleetserve.errors import ConflictError, InvalidFieldError
from fleetserve.manifest import VOCODER_FOLDER
from tests.checkpoints.encodec import write_encodec
from tests.checkpoints.vallex import CLOCK, CODEBOOKS, LAYERS, make_vallex, write_vallex
from tests.unit.audio_svc.speech.vallex_reference import speak as plain

SENTENCE = "Hello, this is a test."
TRANSCRIPT = "She sells sea shells."
RATE_HZ = 24000
ENGLISH, CHINESE = 0, 1  # As the model numbers them; preset files do otherwise.


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("vallex")
    write_vallex(folder, presets=True)
    write_encodec(folder / VOCODER_FOLDER)
    return folder


@pytest.fixture(scope="module")
def engine(folder: Path) -> VallexEngine:
    return VallexEngine(folder, "cpu")


@pytest.fixture(scope="module")
def codec(folder: Path) -> Any:
    return EncodecModel.from_pretrained(folder / VOCODER_FOLDER)


def speak(engine: VallexEngine, utterance: Utterance) -> SpeechPiece:
    (piece,) = [piece for piece in engine.synthesize(utterance) if piece is not None]
    return piece


def signs(text: str) -> list[int]:
    return signs_of(Pronouncer(FOLDER / "tiny_tts").say(text))


def expected(
    codec: Any, prompt: np.ndarray, told: list[int], language: int, text: str, seed: int
) -> Samples:
    """By the plain computation and the library's codec."""
    said = signs(text)
    codes = plain(
        make_vallex(),
        torch.from_numpy(prompt).long(),
        told + said,
        [language] * len(told) + [ENGLISH] * len(said),
        seed,
        16 * len(told + said),
    )
    with torch.no_grad():
        sound: Samples = codec.decode(codes.T[None, None], [None]).audio_values[0, 0].numpy()
    return sound


def recording(seconds: float = 1.2, rate_hz: int = 16000) -> bytes:
    times = np.arange(round(seconds * rate_hz)) / rate_hz
    tone = 0.3 * np.sin(2 * np.pi * (140 + 40 * np.sin(9 * times)) * times)
    file = io.BytesIO()
    soundfile.write(file, tone.astype(np.float32), rate_hz, format="FLAC")
    return file.getvalue()


@pytest.mark.parametrize(
    ("voice", "language", "text", "seed"),
    [("acou_1", ENGLISH, "Hi", 0), ("alan", ENGLISH, SENTENCE, 42), ("dingzhen", CHINESE, "Hi", 7)],
)
def test_presets_speak_as_the_plain_computation(
    engine: VallexEngine, codec: Any, folder: Path, voice: str, language: int, text: str, seed: int
) -> None:
    made = speak(engine, Utterance(text, voice, seed=seed))
    with np.load(folder / "presets" / f"{voice}.npz") as told:
        prompt, said = told["audio_tokens"][0], told["text_tokens"][0].tolist()
    wanted = expected(codec, prompt, said, language, text, seed)
    assert made.complete
    assert made.samples.shape == wanted.shape
    assert np.abs(made.samples - wanted).max() < 1e-5
    assert np.sqrt(np.mean(wanted**2)) > 0.01


def test_without_a_prompt_it_speaks_as_the_plain_computation(
    engine: VallexEngine, codec: Any
) -> None:
    made = speak(engine, Utterance(SENTENCE, "unprompted", seed=3))
    nobody = np.zeros((0, CODEBOOKS), np.int64)
    wanted = expected(codec, nobody, [], ENGLISH, SENTENCE, 3)
    assert np.abs(made.samples - wanted).max() < 1e-5


def test_recording_is_a_voice_as_the_plain_computation_has_it(
    engine: VallexEngine, codec: Any, tmp_path: Path
) -> None:
    path = tmp_path / "voice.flac"
    path.write_bytes(recording(rate_hz=RATE_HZ))
    sample = VoiceSample(path, TRANSCRIPT)
    made = speak(engine, Utterance(SENTENCE, "alan", seed=5, sample=sample))
    heard, _rate = soundfile.read(path, dtype="float32")
    with torch.no_grad():
        codes = codec.encode(torch.from_numpy(heard)[None, None], bandwidth=3.0).audio_codes
    prompt = codes[0, 0].T.numpy()
    assert prompt.shape == (90, CODEBOOKS)
    assert len(set(prompt[:, 0].tolist())) > 8
    wanted = expected(codec, prompt, signs(TRANSCRIPT), ENGLISH, SENTENCE, 5)
    assert made.samples.shape == wanted.shape
    assert np.abs(made.samples - wanted).max() < 1e-5


def test_recording_is_encoded_once_and_the_last_ones_are_kept(
    engine: VallexEngine, tmp_path: Path
) -> None:
    path = tmp_path / "voice.flac"
    path.write_bytes(recording())
    first = speak(engine, Utterance("Hi", "alan", seed=1, sample=VoiceSample(path, TRANSCRIPT)))
    path.unlink()
    again = speak(engine, Utterance("Hi", "alan", seed=1, sample=VoiceSample(path, TRANSCRIPT)))
    assert np.array_equal(first.samples, again.samples)
    path.write_bytes(recording())
    for number in range(SAMPLES_KEPT + 1):
        one = VoiceSample(path, f"Number {number}.")
        next(engine.synthesize(Utterance("Hi", "alan", sample=one)))
    assert len(engine._samples) == SAMPLES_KEPT


def test_text_that_comes_to_no_end_is_said_to_be_cut(
    engine: VallexEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("audio_svc.speech.vallex_decode.FRAMES_PER_SIGN", 1)
    piece = speak(engine, Utterance(SENTENCE, "unprompted", seed=1))
    assert not piece.complete
    assert len(piece.samples) == len(signs(SENTENCE)) * RATE_HZ / 75


def test_it_rests_after_every_frame_and_every_layer_of_many_places(engine: VallexEngine) -> None:
    steps = list(engine.synthesize(Utterance(SENTENCE, "alan", seed=1)))
    piece = steps.pop()
    assert piece is not None
    frames, stacks = len(piece.samples) // 320, 1 + CODEBOOKS - 1
    assert steps == [None] * (1 + frames + stacks * LAYERS)


def test_end_before_the_first_frame_is_not_taken(tmp_path: Path) -> None:
    write_vallex(tmp_path)
    write_encodec(tmp_path / VOCODER_FOLDER)
    eager = VallexEngine(tmp_path, "cpu")
    eager._model.get_parameter("ar_decoder.norm.bias")[CLOCK] = -100.0
    piece = speak(eager, Utterance(SENTENCE, "unprompted", seed=1))
    assert (len(piece.samples), piece.complete) == (320, True)


def test_global_generator_is_neither_read_nor_moved(engine: VallexEngine) -> None:
    torch.manual_seed(11)
    before = torch.get_rng_state()
    speak(engine, Utterance("Hi", "alan", seed=3))
    speak(engine, Utterance("Hi", "alan"))
    assert torch.equal(torch.get_rng_state(), before)


def test_traits_tell_that_it_is_experimental_and_takes_recordings(engine: VallexEngine) -> None:
    traits = engine.traits
    assert traits.warnings == (EXPERIMENTAL,)
    assert traits.default_voice_warning == ""
    assert traits.takes_samples
    assert (traits.sample_rate_hz, traits.languages) == (RATE_HZ, ("en",))
    assert engine.voices() == ("acou_1", "alan", "dingzhen", "unprompted")


def test_without_presets_it_says_that_its_voice_is_nobodys(tmp_path: Path) -> None:
    write_vallex(tmp_path)
    write_encodec(tmp_path / VOCODER_FOLDER)
    engine = VallexEngine(tmp_path, "cpu")
    assert engine.voices() == ("unprompted",)
    assert engine.traits.default_voice_warning == NO_PRESET


@pytest.mark.parametrize("change", [{"audio_tokens": 1023}, {"text_tokens": 80}, {"books": 4}])
def test_preset_of_another_model_is_left_out(tmp_path: Path, change: dict[str, int]) -> None:
    write_vallex(tmp_path, presets=True)
    write_encodec(tmp_path / VOCODER_FOLDER)
    path = tmp_path / "presets" / "alan.npz"
    with np.load(path) as told:
        arrays = dict(told)
    arrays["audio_tokens"] = arrays["audio_tokens"][:, :, : change.pop("books", CODEBOOKS)]
    for name, number in change.items():
        arrays[name].flat[-1] = number
    np.savez(path, **arrays)
    assert VallexEngine(tmp_path, "cpu").voices() == ("acou_1", "dingzhen", "unprompted")


def test_what_can_not_be_said_or_heard_is_refused(engine: VallexEngine, tmp_path: Path) -> None:
    with pytest.raises(InvalidFieldError, match="日本"):
        speak(engine, Utterance("日本", "alan"))
    path = tmp_path / "long.flac"
    path.write_bytes(recording())
    with pytest.raises(InvalidFieldError, match="日本"):
        speak(engine, Utterance("Hi", "alan", sample=VoiceSample(path, "日本")))


def test_without_weights_or_codec_it_is_not_loaded(tmp_path: Path) -> None:
    with pytest.raises(ConflictError, match="weights are missing"):
        VallexEngine(tmp_path, "cpu")
    write_vallex(tmp_path)
    with pytest.raises(ConflictError, match="EnCodec"):
        VallexEngine(tmp_path, "cpu")
