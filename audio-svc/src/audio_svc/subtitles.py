"""Transcripts as subtitle files.

Source: W3C WebVTT; the SubRip format as players read it.
"""

from collections.abc import Sequence

from audio_svc.transcription.base import Segment


def to_srt(segments: Sequence[Segment]) -> str:
    """SubRip: numbered cues, a comma before the milliseconds."""
    cues = [
        f"{number}\n{_stamp(one.start_s, ',')} --> {_stamp(one.end_s, ',')}\n{_line(one.text)}\n"
        for number, one in enumerate(segments, start=1)
    ]
    return "\n".join(cues)


def to_vtt(segments: Sequence[Segment]) -> str:
    """WebVTT, without numbers."""
    cues = [
        f"{_stamp(one.start_s, '.')} --> {_stamp(one.end_s, '.')}\n{_escape(_line(one.text))}\n"
        for one in segments
    ]
    return "\n".join(["WEBVTT\n", *cues])


def _stamp(seconds: float, separator: str) -> str:
    whole_ms = round(seconds * 1000)
    minutes, ms = divmod(whole_ms, 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{ms // 1000:02d}{separator}{ms % 1000:03d}"


def _line(text: str) -> str:
    """One line: an empty one would end the cue, an arrow would begin another."""
    return " ".join(text.split()).replace("-->", "->")


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
