from audio_svc.transcription.base import Segment, TranscriptionOptions
from audio_svc.transcription.whisper_fallback import Attempt, best_of, temperatures_of


def attempt(text: str, avg_logprob: float) -> Attempt:
    return Attempt((Segment(0.0, 1.0, text, avg_logprob, "en", tokens=(1, 2)),))


PLAIN = "The quick brown fox jumps over the lazy dog."


def test_likely_text_makes_sense() -> None:
    assert attempt(PLAIN, -0.5).makes_sense
    assert Attempt(()).makes_sense


def test_unlikely_or_repeating_text_does_not() -> None:
    assert not attempt(PLAIN, -1.1).makes_sense
    assert not attempt("and so " * 30, -0.1).makes_sense


def test_temperature_rises_unless_one_was_asked_for() -> None:
    assert temperatures_of(TranscriptionOptions())[:2] == (0.0, 0.2)
    assert temperatures_of(TranscriptionOptions(temperature=0.7)) == (0.7,)


def test_of_senseless_texts_the_likeliest_that_does_not_repeat_itself_is_taken() -> None:
    repeats, unlikely, worse = (
        attempt("and so " * 30, -0.1),
        attempt(PLAIN, -1.5),
        attempt(PLAIN, -3.0),
    )
    assert best_of([repeats, worse, unlikely]) is unlikely
    assert best_of([repeats]) is repeats
