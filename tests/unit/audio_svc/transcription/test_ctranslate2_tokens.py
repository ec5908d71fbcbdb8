from audio_svc.transcription.ctranslate2_tokens import Stretch, split_at_times

FIRST = 100  # <|0.00|>


def test_text_stands_between_the_times_around_it() -> None:
    ids = [100, 1, 2, 150, 150, 3, 200]
    assert split_at_times(ids, FIRST, 10.0) == [
        Stretch(0.0, 1.0, (1, 2)),
        Stretch(1.0, 2.0, (3,)),
    ]


def test_without_times_it_is_one_stretch() -> None:
    assert split_at_times([1, 2], FIRST, 3.0) == [Stretch(0.0, 3.0, (1, 2))]


def test_what_has_no_end_lasts_to_the_end() -> None:
    assert split_at_times([100, 1, 150, 150, 2], FIRST, 3.0)[1] == Stretch(1.0, 3.0, (2,))


def test_nothing_is_said_beyond_the_end() -> None:
    ids = [100, 1, 200, 200, 2, 300]
    assert split_at_times(ids, FIRST, 1.5) == [Stretch(0.0, 1.5, (1,))]


def test_nothing_gives_nothing() -> None:
    assert split_at_times([], FIRST, 1.0) == []
    assert split_at_times([100, 150], FIRST, 1.0) == []
