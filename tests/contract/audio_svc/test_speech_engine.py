"""What every engine that speaks has to do."""

import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from audio_svc.built_in import FOLDER
from audio_svc.speech.bark import BarkEngine
from audio_svc.speech.base import Samples, SpeechEngine, Utterance, VoiceSample
from audio_svc.speech.memory import ChoirSpeech, ToneSpeech
from audio_svc.speech.speecht5 import SpeechT5Engine
from audio_svc.speech.tacotron2 import Tacotron2Engine
from audio_svc.speech.tiny import TinySpeech
from audio_svc.speech.vallex import VallexEngine
from audio_svc.speech.vits import VitsEngine
from fleetserve.manifest import VOCODER_FOLDER
from tests.checkpoints.bark import write_bark
from tests.checkpoints.encodec import write_encodec
from tests.checkpoints.hub_root import BARK, MMS_ENGLISH, TACOTRON2, VALLEX
from tests.checkpoints.published import publish_speech, publish_speecht5
from tests.checkpoints.tacotron2 import write_speechbrain, write_speechbrain_vocoder
from tests.checkpoints.vallex import write_vallex
from tests.checkpoints.vits import write_vits

TEXT = "Hello, this is a test."


def make_tone(_folder: Path) -> SpeechEngine:
    return ToneSpeech()


def make_speecht5(folder: Path) -> SpeechEngine:
    engine = SpeechT5Engine(publish_speecht5(folder), "cpu")
    engine.warm_up()
    return engine


def make_vits(folder: Path) -> SpeechEngine:
    engine = VitsEngine(publish_speech(folder, "mms-tts-eng", MMS_ENGLISH, write_vits), "cpu")
    engine.warm_up()
    return engine


def make_tiny(_folder: Path) -> SpeechEngine:
    """With the files that are shipped."""
    engine = TinySpeech(FOLDER / "tiny_tts", "cpu")
    engine.warm_up()
    return engine


def make_bark(folder: Path) -> SpeechEngine:
    engine = BarkEngine(publish_speech(folder, "bark-small", BARK, write_bark), "cpu")
    engine.warm_up()
    return engine


def make_tacotron2(folder: Path) -> SpeechEngine:
    def write(folder: Path) -> None:
        write_speechbrain(folder)
        write_speechbrain_vocoder(folder / VOCODER_FOLDER)

    engine = Tacotron2Engine(publish_speech(folder, "tacotron2-ljspeech", TACOTRON2, write), "cpu")
    engine.warm_up()
    return engine


def make_vallex(folder: Path) -> SpeechEngine:
    def write(folder: Path) -> None:
        write_vallex(folder, presets=True)
        write_encodec(folder / VOCODER_FOLDER)

    engine = VallexEngine(publish_speech(folder, "vall-e-x", VALLEX, write), "cpu")
    engine.warm_up()
    return engine


def make_choir(_folder: Path) -> SpeechEngine:
    return ChoirSpeech()


@pytest.fixture(
    scope="module",
    params=[
        make_tone,
        make_speecht5,
        make_vits,
        make_bark,
        make_tacotron2,
        make_vallex,
        make_choir,
        make_tiny,
    ],
)
def engine(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> SpeechEngine:
    make: Callable[[Path], SpeechEngine] = request.param
    return make(tmp_path_factory.mktemp("models"))


def speak(engine: SpeechEngine, utterance: Utterance) -> Samples:
    pieces = [piece for piece in engine.synthesize(utterance) if piece is not None]
    return np.concatenate([piece.samples for piece in pieces])


def default(engine: SpeechEngine, *, seed: int | None = None, text: str = TEXT) -> Utterance:
    return Utterance(text, engine.traits.default_voice, seed=seed)


def test_traits_name_the_default_voice_first(engine: SpeechEngine) -> None:
    assert engine.voices()[0] == engine.traits.default_voice
    assert len(set(engine.voices())) == len(engine.voices())
    assert engine.traits.languages
    assert engine.traits.emotions


def test_speech_is_audible_mono_float_in_range(engine: SpeechEngine) -> None:
    samples = speak(engine, default(engine))
    assert samples.dtype == np.float32
    assert samples.ndim == 1
    assert len(samples) > 0.5 * engine.traits.sample_rate_hz
    assert np.abs(samples).max() <= 1.0
    assert np.sqrt(np.mean(samples**2)) > 0.001


def test_words_that_are_told_are_the_texts_in_order_and_within_the_sound(
    engine: SpeechEngine,
) -> None:
    (piece,) = [piece for piece in engine.synthesize(default(engine, seed=1)) if piece is not None]
    written = iter(["Hello", "this", "is", "a", "test"])
    assert all(word.word in written for word in piece.words)
    assert all(word.start_s < word.end_s for word in piece.words)
    times = [at_s for word in piece.words for at_s in (word.start_s, word.end_s)]
    duration_s = len(piece.samples) / engine.traits.sample_rate_hz
    assert [0.0, *times, duration_s] == sorted([0.0, *times, duration_s])


def test_engine_rests_before_its_first_piece(engine: SpeechEngine) -> None:
    assert next(iter(engine.synthesize(default(engine)))) is None


def test_same_seed_gives_the_same_samples(engine: SpeechEngine) -> None:
    first, second = (speak(engine, default(engine, seed=7)) for _ in range(2))
    assert np.array_equal(first, second)


def test_other_seed_gives_other_samples(engine: SpeechEngine) -> None:
    first, second = (speak(engine, default(engine, seed=seed)) for seed in (1, 2))
    assert not np.array_equal(first, second)


def test_no_seed_gives_another_reading_each_time(engine: SpeechEngine) -> None:
    first, second = (speak(engine, default(engine)) for _ in range(2))
    assert not np.array_equal(first, second)


def test_utterances_stepped_in_turn_do_not_disturb_each_other(engine: SpeechEngine) -> None:
    alone = [speak(engine, default(engine, seed=seed)) for seed in (1, 2)]
    turns = [engine.synthesize(default(engine, seed=seed)) for seed in (1, 2)]
    together: list[list[Samples]] = [[], []]
    waiting = [0, 1]
    while waiting:
        for place in list(waiting):
            try:
                piece = next(turns[place])
            except StopIteration:
                waiting.remove(place)
            else:
                together[place] += [] if piece is None else [piece.samples]
    for place in (0, 1):
        assert np.array_equal(np.concatenate(together[place]), alone[place])


def test_random_numbers_of_another_thread_do_not_disturb_a_seed(engine: SpeechEngine) -> None:
    expected = speak(engine, default(engine, seed=3))
    steps = engine.synthesize(default(engine, seed=3))
    parts = []
    for piece in steps:
        other = threading.Thread(target=torch.rand, args=(10,))
        other.start()
        other.join()
        parts += [] if piece is None else [piece.samples]
    assert np.array_equal(np.concatenate(parts), expected)


def test_every_voice_speaks(engine: SpeechEngine) -> None:
    spoken = [speak(engine, Utterance(TEXT, voice, seed=1)) for voice in engine.voices()]
    assert len({samples.tobytes() for samples in spoken}) == len(spoken)


def test_voice_of_the_callers_own_is_taken(engine: SpeechEngine) -> None:
    size = engine.traits.embedding_size
    if size == 0:
        return  # It takes none, and whoever asks is told so before it comes here.
    vectors = [np.full(size, value, np.float32) for value in (0.1, -0.1)]
    voice = engine.traits.default_voice
    spoken = [speak(engine, Utterance(TEXT, voice, vector, 1)) for vector in vectors]
    assert not np.array_equal(spoken[0], spoken[1])


def test_recording_is_a_voice_where_it_is_taken(engine: SpeechEngine, tmp_path: Path) -> None:
    if not engine.traits.takes_samples:
        return  # Whoever asks is told so before it comes here.
    rate_hz, spoken = 16000, []
    for number in range(2):
        path = tmp_path / f"{number}.wav"
        noise = np.random.default_rng(number).uniform(-0.3, 0.3, int(1.2 * rate_hz))
        soundfile.write(path, noise.astype(np.float32), rate_hz)
        sample = VoiceSample(path, "She sells sea shells.")
        utterance = Utterance(TEXT, engine.traits.default_voice, seed=1, sample=sample)
        spoken.append(speak(engine, utterance))
    assert not np.array_equal(spoken[0], spoken[1])


def test_longest_text_is_spoken(engine: SpeechEngine) -> None:
    text = ("many words " * 100)[: engine.traits.max_chars].strip()
    assert len(speak(engine, default(engine, text=text, seed=1))) > 0


def test_abandoned_utterance_leaves_the_engine_usable(engine: SpeechEngine) -> None:
    steps = iter(engine.synthesize(default(engine, seed=1)))
    next(steps)
    del steps
    assert len(speak(engine, default(engine, seed=1))) > 0
