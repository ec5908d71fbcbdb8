"""What a file that libsndfile does not read calls itself in its first bytes."""

import importlib.util

from audio_svc.audio.sound_files import Content

EBML = b"\x1a\x45\xdf\xa3"
ASF = bytes.fromhex("3026b2758e66cf11")

# Where, what, and the formats' names.
SIGNATURES = (
    (4, b"ftyp", "m4a"),
    (0, EBML, "webm"),
    (0, b"\xff\xf1", "aac"),
    (0, b"\xff\xf9", "aac"),
    (0, ASF, "wma"),
    (0, b"#!AMR", "amr"),
    (0, b"caff", "caf"),
    (0, b"FORM", "aiff"),
    (0, b"MAC ", "ape"),
    (0, b"wvpk", "wv"),
    (0, b".snd", "au"),
    (0, b"FLV\x01", "flv"),
)
MEDIA_FORMATS = ("m4a", "mp4", "aac", "webm", "mkv", "wma", "aiff", "amr", "caf", "mov", "flv")


def kind_of(data: Content) -> str:
    """The format's name; "": none of those that PyAV is there for."""
    for place, mark, name in SIGNATURES:
        if data[place : place + len(mark)] == mark:
            return name
    return ""


def codecs_installed() -> bool:
    """Whether PyAV, the extra ``codecs``, is here."""
    return importlib.util.find_spec("av") is not None
