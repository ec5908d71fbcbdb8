from audio_svc.subtitles import to_srt, to_vtt
from audio_svc.transcription.base import Segment

SEGMENTS = (
    Segment(0.0, 2.5, " Hello <there> & you", -0.1, "en"),
    Segment(3661.25, 3662.0, " next --> one\n\nline", -0.1, "en"),
)


def test_srt_numbers_its_cues_and_writes_commas() -> None:
    assert to_srt(SEGMENTS) == (
        "1\n00:00:00,000 --> 00:00:02,500\nHello <there> & you\n\n"
        "2\n01:01:01,250 --> 01:01:02,000\nnext -> one line\n"
    )


def test_vtt_begins_with_its_name_and_escapes_what_is_markup() -> None:
    assert to_vtt(SEGMENTS) == (
        "WEBVTT\n\n00:00:00.000 --> 00:00:02.500\nHello &lt;there&gt; &amp; you\n\n"
        "01:01:01.250 --> 01:01:02.000\nnext -&gt; one line\n"
    )


def test_no_segments_give_an_empty_file() -> None:
    assert to_srt(()) == ""
    assert to_vtt(()) == "WEBVTT\n"


def test_times_are_rounded_over_the_minute() -> None:
    assert "00:01:00.000" in to_vtt([Segment(59.9996, 61.0, "x", 0.0, "en")])
