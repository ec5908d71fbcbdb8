"""Files as phones, browsers and video sites make them, written by FFmpeg's muxers."""

import io
from fractions import Fraction
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

# Container, encoder and rate of each format's usual file.
KINDS = {
    "m4a": ("ipod", "aac", 44100),
    "mp4": ("mp4", "aac", 48000),
    "aac": ("adts", "aac", 24000),
    "webm": ("webm", "libopus", 48000),
    "mkv": ("matroska", "aac", 44100),
    "wma": ("asf", "wmav2", 44100),
    "mov": ("mov", "alac", 44100),
    "aiff": ("aiff", "pcm_s16be", 44100),
    "caf": ("caf", "pcm_s16le", 44100),
    "amr": ("amr", "libopencore_amrnb", 8000),
    "flv": ("flv", "aac", 44100),
}


def write_media(
    samples: NDArray[np.float32], kind: str, options: dict[str, str] | None = None
) -> bytes:
    """samples: float32 [n] or [channels, n] at the kind's rate, one or two channels."""
    container_name, codec, rate_hz = KINDS[kind]
    planes = np.atleast_2d(samples)
    layout = "stereo" if len(planes) == 2 else "mono"
    file = io.BytesIO()
    with av.open(file, "w", format=container_name, options=options or {}) as container:
        stream = container.add_stream(codec, rate=rate_hz, layout=layout)
        assert isinstance(stream, av.AudioStream)
        if codec == "wmav2":
            stream.bit_rate = 64000
        container.mux(encode_all(stream, planes, layout, rate_hz))
    return file.getvalue()


def encode_all(
    stream: av.AudioStream, planes: NDArray[np.float32], layout: str, rate_hz: int
) -> "list[av.Packet[Any]]":
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(planes), "fltp", layout)
    frame.sample_rate = rate_hz
    frame.time_base = Fraction(1, rate_hz)
    frame.pts = 0
    return [*stream.encode(frame), *stream.encode(None)]


def film(samples: NDArray[np.float32] | None, picture_s: float) -> bytes:
    """An MKV with ten pictures a second; its sound, if any, may be shorter or longer."""
    file = io.BytesIO()
    packets: list[av.Packet[Any]] = []
    with av.open(file, "w", format="matroska") as container:
        picture = container.add_stream("mpeg4", rate=10)
        picture.width = picture.height = 64
        if samples is not None:
            sound = container.add_stream("aac", rate=44100, layout="mono")
            assert isinstance(sound, av.AudioStream)
            packets = encode_all(sound, np.atleast_2d(samples), "mono", 44100)
        image = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), "rgb24")
        for number in range(round(picture_s * 10)):
            image.pts = number
            packets += picture.encode(image)
        container.mux([*packets, *picture.encode(None)])
    return file.getvalue()
