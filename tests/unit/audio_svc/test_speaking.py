from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from audio_svc.audio.encoding import FORMATS, to_int16
from audio_svc.audio.loudness import loudness_lufs
from audio_svc.speaking import (
    STREAMED_TOGETHER,
    TOGETHER,
    SpeechOrder,
    SpeechPlan,
    Spoken,
    make_file,
    plan_speech,
    speak,
    speak_breaths,
    warnings_of,
)
from audio_svc.speech.base import SpeechPiece, SpeechTraits, Utterance, VoiceSample
from audio_svc.speech.memory import EMBEDDING_SIZE, SAMPLE_RATE_HZ, ChoirSpeech, ToneSpeech
from fleetserve.errors import InvalidFieldError
from fleetserve.replica.shared_step import SharedStep

LONG = " ".join(["This sentence is one of many that follow each other."] * 12)


@pytest.fixture
def engine() -> ToneSpeech:
    return ToneSpeech()


@pytest.fixture
def order() -> SpeechOrder:
    return SpeechOrder("Hello there.", FORMATS["pcm"], seed=1)


def carry_out(engine: ToneSpeech, plan: SpeechPlan) -> list[Spoken]:
    steps = speak(engine, plan)
    while True:
        try:
            next(steps)
        except StopIteration as ended:
            spoken: list[Spoken] = ended.value
            return spoken


def samples_of(engine: ToneSpeech, order: SpeechOrder) -> np.ndarray:
    plan = plan_speech(order, engine)
    return np.frombuffer(make_file(plan, carry_out(engine, plan)).data, "<i2")


def test_plain_order_leaves_the_engines_samples_untouched(
    engine: ToneSpeech, order: SpeechOrder
) -> None:
    (own,) = [p for p in engine.synthesize(Utterance(order.text, "default", seed=1)) if p]
    assert np.array_equal(samples_of(engine, order), to_int16(own.samples))


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("voice", {"voice": "bob"}),
        ("emotion", {"emotion": "angry"}),
        ("language", {"language": "de"}),
        ("sample_rate", {"sample_rate_hz": 11025, "audio_format": FORMATS["opus"]}),
        ("speaker_embedding", {"embedding": np.ones(3, np.float32)}),
        ("speaker_embedding", {"embedding": np.zeros(EMBEDDING_SIZE, np.float32)}),
        ("speaker_embedding", {"embedding": np.full(EMBEDDING_SIZE, np.inf, np.float32)}),
        ("inputs", {"text": "  \n"}),
    ],
)
def test_what_the_engine_cannot_do_is_refused_by_field(
    engine: ToneSpeech, order: SpeechOrder, field: str, change: dict[str, object]
) -> None:
    with pytest.raises(InvalidFieldError) as refused:
        plan_speech(replace(order, **change), engine)  # type: ignore[arg-type]
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("change", "listed"),
    [
        ({"voice": "bob"}, "default, low"),
        ({"emotion": "angry"}, "neutral"),
        ({"language": "de"}, "en"),
        ({"sample_rate_hz": 11025, "audio_format": FORMATS["opus"]}, "8000, 12000"),
    ],
)
def test_refusal_lists_what_there_is(
    engine: ToneSpeech, order: SpeechOrder, change: dict[str, object], listed: str
) -> None:
    with pytest.raises(InvalidFieldError, match=listed):
        plan_speech(replace(order, **change), engine)  # type: ignore[arg-type]


@pytest.mark.parametrize("language", ["en", "EN", "en-US", "en_GB"])
def test_language_may_name_its_region(
    engine: ToneSpeech, order: SpeechOrder, language: str
) -> None:
    assert plan_speech(replace(order, language=language), engine).language == "en"


def test_voice_and_own_embedding_contradict_each_other(
    engine: ToneSpeech, order: SpeechOrder
) -> None:
    both = replace(order, voice="low", embedding=np.ones(EMBEDDING_SIZE, np.float32))
    with pytest.raises(InvalidFieldError, match="not both"):
        plan_speech(both, engine)


class Poor(ToneSpeech):
    """Has no default voice and never comes to an end."""

    @property
    def traits(self) -> SpeechTraits:
        return replace(super().traits, default_voice="low", default_voice_warning="no default here")

    def voices(self) -> tuple[str, ...]:
        return ("low",)

    def synthesize(self, utterance: Utterance) -> Iterator[SpeechPiece | None]:
        for piece in super().synthesize(utterance):
            yield None if piece is None else replace(piece, complete=False)


@pytest.mark.parametrize("voice", [None, "default"])
def test_missing_default_voice_is_warned_of(order: SpeechOrder, voice: str | None) -> None:
    plan = plan_speech(replace(order, voice=voice), Poor())
    assert plan.voice == "low"
    assert plan.warnings == ("no default here",)


def test_voice_that_was_asked_for_needs_no_warning(order: SpeechOrder) -> None:
    assert plan_speech(replace(order, voice="low"), Poor()).warnings == ()


class Experimental(ToneSpeech):
    """Has something to tell whatever it speaks, and takes recordings."""

    @property
    def traits(self) -> SpeechTraits:
        return replace(super().traits, warnings=("beware",), takes_samples=True)


def test_what_a_model_has_to_tell_is_told_with_every_voice(order: SpeechOrder) -> None:
    for voice in (None, "low"):
        assert plan_speech(replace(order, voice=voice), Experimental()).warnings == ("beware",)


def test_recording_is_the_voice_of_every_breath(order: SpeechOrder) -> None:
    sample = VoiceSample(Path("anna.wav"), "Hello.")
    plan = plan_speech(replace(order, sample=sample), Experimental())
    assert [plan.utterance(breath).sample for breath in plan.breaths] == [sample]
    assert plan.warnings == ("beware",)


class Foreign(ToneSpeech):
    """Speaks German, and French in a voice of its own."""

    @property
    def traits(self) -> SpeechTraits:
        voices = {"fr": "low"}
        return replace(super().traits, languages=("de", "fr"), language_voices=voices)


@pytest.mark.parametrize(
    ("language", "spoken", "voice"),
    [(None, "de", "default"), ("fr", "fr", "low"), ("de", "de", "default")],
)
def test_language_chooses_its_voice_and_none_is_the_models_own(
    order: SpeechOrder, language: str | None, spoken: str, voice: str
) -> None:
    plan = plan_speech(replace(order, language=language), Foreign())
    assert (plan.language, plan.voice) == (spoken, voice)


def test_speech_that_was_cut_is_warned_of(order: SpeechOrder) -> None:
    engine = Poor()
    plan = plan_speech(replace(order, voice="low"), engine)
    (warning,) = warnings_of(plan, carry_out(engine, plan))
    assert "Hello there." in warning


def test_each_breath_is_spoken_with_a_pause_between(engine: ToneSpeech, order: SpeechOrder) -> None:
    plan = plan_speech(replace(order, text=LONG), engine)
    spoken = carry_out(engine, plan)
    file = make_file(plan, spoken)
    pauses_s = sum(one.breath.pause_s for one in spoken)
    speech_s = sum(len(one.samples) for one in spoken) / SAMPLE_RATE_HZ
    assert len(spoken) > 2
    assert file.duration_s == pytest.approx(speech_s + pauses_s, abs=1e-3)


def test_times_follow_the_breaths_and_the_speed(engine: ToneSpeech, order: SpeechOrder) -> None:
    plain = plan_speech(replace(order, text=LONG), engine)
    faster = plan_speech(replace(order, text=LONG, speed=2.0), engine)
    times = make_file(plain, carry_out(engine, plain)).times
    halved = make_file(faster, carry_out(engine, faster)).times
    assert [one.text for one in times] == [breath.text for breath in plain.breaths]
    assert times[1].start_s > times[0].end_s
    assert halved[1].start_s == pytest.approx(times[1].start_s / 2)


def test_words_follow_pauses_manner_and_speed(engine: ToneSpeech, order: SpeechOrder) -> None:
    text = (
        '<speak><break time="1s"/>Hello <prosody rate="50%">you there.</prosody>'
        '<break time="500ms"/> Go on.</speak>'
    )
    plan = plan_speech(replace(order, text=text, ssml=True, speed=2.0), engine)
    times = make_file(plan, carry_out(engine, plan)).times
    # 0.06 s a character, before the speed; the second breath takes twice as long.
    expected = [
        ("Hello", 1.0, 1.3),
        ("you", 1.3, 1.66),
        ("there", 1.78, 2.38),
        ("Go", 3.0, 3.12),
        ("on", 3.18, 3.3),
    ]
    told = [word for time in times for word in time.words]
    assert [word.word for word in told] == [word for word, _, _ in expected]
    assert [word.start_s for word in told] == pytest.approx([s / 2 for _, s, _ in expected])
    assert [word.end_s for word in told] == pytest.approx([e / 2 for _, _, e in expected])


def test_words_of_a_later_piece_come_after_those_before(order: SpeechOrder) -> None:
    class Twice(ToneSpeech):
        def synthesize(self, utterance: Utterance) -> Iterator[SpeechPiece | None]:
            yield from super().synthesize(utterance)
            yield from super().synthesize(utterance)

    engine = Twice()
    plan = plan_speech(order, engine)
    (time,) = make_file(plan, carry_out(engine, plan)).times
    assert [word.word for word in time.words] == ["Hello", "there"] * 2
    assert [word.start_s for word in time.words] == pytest.approx([0.0, 0.36, 0.72, 1.08])


@pytest.mark.parametrize(
    ("change", "share"), [({"speed": 2.0}, 0.5), ({"speed": 0.5}, 2.0), ({"pitch": 1.5}, 1.0)]
)
def test_speed_changes_the_duration_and_pitch_does_not(
    engine: ToneSpeech, order: SpeechOrder, change: dict[str, float], share: float
) -> None:
    changed = samples_of(engine, replace(order, **change))  # type: ignore[arg-type]
    assert len(changed) / len(samples_of(engine, order)) == pytest.approx(share, rel=0.01)


def test_volume_is_a_factor(engine: ToneSpeech, order: SpeechOrder) -> None:
    quiet = samples_of(engine, replace(order, volume=0.5)).astype(float)
    assert np.abs(quiet).max() / np.abs(samples_of(engine, order)).max() == pytest.approx(
        0.5, rel=0.01
    )


def test_rate_is_changed_on_request(engine: ToneSpeech, order: SpeechOrder) -> None:
    plan = plan_speech(replace(order, sample_rate_hz=24000), engine)
    file = make_file(plan, carry_out(engine, plan))
    assert plan.rate_hz == 24000
    assert len(file.data) / 2 / 24000 == pytest.approx(file.duration_s)


def test_pieces_of_one_breath_are_joined(order: SpeechOrder) -> None:
    class Choppy(ToneSpeech):
        def synthesize(self, utterance: Utterance) -> Iterator[SpeechPiece | None]:
            for piece in super().synthesize(utterance):
                if piece is None:
                    yield None
                    continue
                yield from map(SpeechPiece, np.array_split(piece.samples, 5))

    assert np.array_equal(samples_of(Choppy(), order), samples_of(ToneSpeech(), order))


def carry_out_alone(engine: ChoirSpeech, plan: SpeechPlan) -> list[Spoken]:
    spoken = []
    for one in speak_breaths(engine, plan):
        if isinstance(one, SharedStep):
            one.run(one.items)
        elif one is not None:
            spoken.append(one)
    return spoken


def test_breaths_of_a_whole_order_share_their_steps_and_keep_their_order() -> None:
    choir, order = ChoirSpeech(), SpeechOrder(LONG, FORMATS["pcm"], seed=1)
    plan = plan_speech(order, choir)
    spoken = carry_out_alone(choir, plan)
    assert [one.breath for one in spoken] == list(plan.breaths)
    assert max(choir.sizes) == min(TOGETHER, len(plan.breaths))
    alone = carry_out(ToneSpeech(), plan)
    assert all(
        np.array_equal(one.samples, other.samples) for one, other in zip(spoken, alone, strict=True)
    )
    assert all(one.words == other.words for one, other in zip(spoken, alone, strict=True))
    assert spoken[-1].words


def test_first_sentence_of_a_stream_is_spoken_alone() -> None:
    choir, order = ChoirSpeech(), SpeechOrder(LONG, FORMATS["pcm"], by_sentence=True)
    plan = plan_speech(order, choir)
    carry_out_alone(choir, plan)
    first = len(plan.breaths[0].text)
    assert set(choir.sizes[:first]) == {1}
    assert max(choir.sizes[first:]) == STREAMED_TOGETHER


def test_joints_of_5000_characters_have_no_click_and_no_gap(
    engine: ToneSpeech, order: SpeechOrder
) -> None:
    order = replace(order, text=("It is said that 3 of 4 people, on May 5, agree. " * 110)[:5000])
    plan = plan_speech(order, engine)
    spoken = carry_out(engine, plan)
    assert len(plan.breaths) > 20
    made = np.frombuffer(make_file(plan, spoken).data, "<i2").astype(np.float64) / 32768
    # Nothing is lost, and nothing but the pauses is put between.
    rate_hz = engine.traits.sample_rate_hz
    pauses = sum(round(one.pause_s * rate_hz) for one in plan.breaths)
    assert len(made) == sum(len(one.samples) for one in spoken) + pauses
    steepest = 0.3 * 2 * np.pi * 220.0 / rate_hz
    assert np.abs(np.diff(made)).max() < 1.1 * steepest
    quiet = np.flatnonzero(np.abs(made) > 0.01)
    assert np.diff(quiet).max() < 0.3 * rate_hz


def test_markup_is_heard_in_durations_and_pauses(engine: ToneSpeech, order: SpeechOrder) -> None:
    plain = samples_of(engine, replace(order, text="Hello there."))
    slow = samples_of(
        engine,
        replace(
            order,
            text='<speak><prosody rate="50%">Hello there.</prosody><break time="1s"/></speak>',
            ssml=True,
        ),
    )
    assert len(slow) == 2 * len(plain) + engine.traits.sample_rate_hz
    assert not slow[2 * len(plain) :].any()


def test_loudness_is_what_was_asked_for_and_volume_comes_after_it(
    engine: ToneSpeech, order: SpeechOrder
) -> None:
    def loudness(**change: object) -> float:
        made = samples_of(engine, replace(order, **change))  # type: ignore[arg-type]
        return loudness_lufs((made / 32768).astype(np.float32), engine.traits.sample_rate_hz)

    assert abs(loudness(loudness_lufs=-30.0) + 30.0) < 0.5
    assert abs(loudness(loudness_lufs=-30.0, volume=2.0) + 24.0) < 0.5


def test_doubtful_reading_is_told(engine: ToneSpeech, order: SpeechOrder) -> None:
    plan = plan_speech(replace(order, text="On 03/04/2026."), engine)
    assert "03/04/2026" in plan.warnings[0]
