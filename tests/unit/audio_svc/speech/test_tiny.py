from collections.abc import Sequence
from difflib import SequenceMatcher

import numpy as np
import pytest

from audio_svc.audio.encoding import FORMATS
from audio_svc.audio.log_mel import log_mel
from audio_svc.built_in import FOLDER
from audio_svc.speaking import SpeechOrder, Spoken, make_file, plan_speech, speak_breaths
from audio_svc.speech.base import Samples, SpeechPiece, SpokenWord, Utterance
from audio_svc.speech.tiny import TinySpeech
from audio_svc.speech.tiny_sound import MEL
from audio_svc.transcription.base import TranscriptionOptions, Word
from audio_svc.transcription.tiny import TinyHearing
from fleetserve.errors import InvalidFieldError

TEXTS = (
    "The old teacher found a letter under the table.",
    "My brother will open the window tomorrow morning.",
    "Seven happy children sing behind the house.",
    "We never forget the music of the river.",
    "Where can they buy fresh bread and coffee?",
    "The farmer carried a heavy basket over the bridge.",
)


@pytest.fixture(scope="module")
def voice() -> TinySpeech:
    return TinySpeech(FOLDER / "tiny_tts", "cpu")


@pytest.fixture(scope="module")
def ear() -> TinyHearing:
    return TinyHearing(FOLDER / "tiny_stt", "cpu")


def speak(engine: TinySpeech, utterance: Utterance) -> SpeechPiece:
    (piece,) = [piece for piece in engine.synthesize(utterance) if piece is not None]
    return piece


def say(engine: TinySpeech, utterance: Utterance) -> Samples:
    return speak(engine, utterance).samples


def words_of(text: str) -> list[str]:
    return text.lower().strip(".?!").split()


def edits(told: list[str], wanted: list[str]) -> int:
    row = list(range(len(wanted) + 1))
    for place, one in enumerate(told, 1):
        before, row[0] = row[0], place
        for column, other in enumerate(wanted, 1):
            best = min(row[column] + 1, row[column - 1] + 1, before + (one != other))
            before, row[column] = row[column], best
    return row[-1]


def test_what_the_voice_says_the_ear_hears(voice: TinySpeech, ear: TinyHearing) -> None:
    wrong = total = 0
    for name in voice.voices():
        for text in TEXTS:
            samples = say(voice, Utterance(text, name, seed=1))
            found = ear.transcribe(samples, TranscriptionOptions(language="en"))
            told = "".join(segment.text for segment in found if segment is not None)
            wrong += edits(told.split(), words_of(text))
            total += len(words_of(text))
    # Words of the wide vocabulary are among them; measured: 0.07.
    assert wrong / total < 0.12


def heard_words(ear: TinyHearing, samples: Samples) -> list[Word]:
    found = ear.transcribe(samples, TranscriptionOptions(language="en", words=True))
    return [word for segment in found if segment is not None for word in segment.words]


def check_times(told: Sequence[SpokenWord], heard: Sequence[Word]) -> int:
    """How many words were understood, each of which was heard when it is told."""
    said, understood = ([one.word.lower().strip() for one in words] for words in (told, heard))
    blocks = SequenceMatcher(None, said, understood, autojunk=False).get_matching_blocks()
    pairs = [(told[b.a + n], heard[b.b + n]) for b in blocks for n in range(b.size)]
    for one, other in pairs:
        assert abs(one.start_s - other.start_s) < 0.1, (one, other)
        assert abs(one.end_s - other.end_s) < 0.1, (one, other)
    return len(pairs)


@pytest.mark.parametrize("name", ["amber", "basalt"])
def test_words_are_heard_when_they_are_told(voice: TinySpeech, ear: TinyHearing, name: str) -> None:
    understood = 0
    for text in TEXTS:
        piece = speak(voice, Utterance(text, name, seed=1))
        assert [word.word for word in piece.words] == text.strip(".?").split()
        understood += check_times(piece.words, heard_words(ear, piece.samples))
    assert understood > 0.8 * len(" ".join(TEXTS).split())


def test_words_of_a_changed_file_are_heard_when_they_are_told(
    voice: TinySpeech, ear: TinyHearing
) -> None:
    text = (
        f'<speak><break time="300ms"/>{TEXTS[0]} <prosody rate="90%">{TEXTS[2]}</prosody>'
        f'<break time="400ms"/>{TEXTS[3]}</speak>'
    )
    order = SpeechOrder(text, FORMATS["pcm"], ssml=True, speed=1.1, seed=1)
    plan = plan_speech(order, voice)
    spoken = [one for one in speak_breaths(voice, plan) if isinstance(one, Spoken)]
    file = make_file(plan, spoken)
    samples = np.frombuffer(file.data, "<i2").astype(np.float32) / np.float32(32768)
    told = [word for time in file.times for word in time.words]
    assert len(told) == 24
    assert check_times(told, heard_words(ear, samples)) > 18


def test_pause_lies_between_its_words(voice: TinySpeech) -> None:
    piece = speak(voice, Utterance("We see the dog, we see the cat.", "amber", seed=1))
    dog, we = piece.words[3:5]
    energy = np.square(piece.samples)

    def loudness(start_s: float, end_s: float) -> float:
        return float(energy[round(start_s * MEL.rate_hz) : round(end_s * MEL.rate_hz)].mean())

    assert we.start_s - dog.end_s > 0.05
    assert loudness(dog.end_s, we.start_s) < 0.1 * loudness(dog.start_s, dog.end_s)


def test_voices_differ_in_pitch_as_they_were_trained(voice: TinySpeech) -> None:
    lags = {}
    for name in voice.voices():
        samples = say(voice, Utterance(TEXTS[0], name, seed=1))
        likeness = np.correlate(samples, samples, "full")[len(samples) - 1 :]
        lags[name] = 40 + int(likeness[40:200].argmax())
    assert max(lags["amber"], lags["coral"]) < min(lags["basalt"], lags["dune"])


def test_longer_text_takes_longer_and_a_comma_is_a_pause(voice: TinySpeech) -> None:
    plain, parted = (
        say(voice, Utterance(text, "amber", seed=1))
        for text in ("we see the dog we see the cat", "we see the dog, we see the cat")
    )
    assert len(parted) > len(plain) + 0.05 * MEL.rate_hz
    quiet = log_mel(parted, MEL)[:, :40].mean(1)
    assert quiet[20:-20].min() < quiet[20:-20].max() - 3


def test_word_that_no_table_has_is_spoken(voice: TinySpeech) -> None:
    assert len(say(voice, Utterance("brillofax zumpted", "amber", seed=1))) > 0.5 * MEL.rate_hz


def test_mixture_of_one_voice_is_that_voice(voice: TinySpeech) -> None:
    share = np.array([0, 1, 0, 0], np.float32)
    mixed = say(voice, Utterance(TEXTS[0], "amber", share, 1))
    assert np.array_equal(mixed, say(voice, Utterance(TEXTS[0], "basalt", seed=1)))


@pytest.mark.parametrize("text", ["犬", "…", "?!"])
def test_text_without_anything_to_say_is_refused(voice: TinySpeech, text: str) -> None:
    with pytest.raises(InvalidFieldError, match="Latin letters") as caught:
        say(voice, Utterance(text, "amber"))
    assert caught.value.field == "inputs"
