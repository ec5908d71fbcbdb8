"""Sound files to samples: any rate, any channels, block by block, bounded in time."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import soundfile

from audio_svc.audio import mp3_length
from audio_svc.audio.recording import BlockCheck, Recording, Samples, cut_off, too_long
from audio_svc.audio.resampling import FOR_RECOGNITION, change_rate
from audio_svc.audio.signatures import MEDIA_FORMATS, codecs_installed, kind_of
from audio_svc.audio.sound_files import SoundFile, content_of, open_file
from audio_svc.audio.stream_resampling import StreamResampler
from audio_svc.audio.wholeness import missing_bytes
from fleetserve.errors import InvalidFieldError, UnsupportedMediaError

# libsndfile's names of the containers, and what the answer calls them.
CONTAINERS = {
    "WAV": "wav",
    "WAVEX": "wav",
    "FLAC": "flac",
    "MP3": "mp3",
    "MPEG": "mp3",
    "OGG": "ogg",
}
INPUT_FORMATS = ("wav", "mp3", "flac", "ogg", "opus")
BLOCK_FRAMES = 1 << 16
UNKNOWN_FRAMES = 1 << 40  # libsndfile's word for an endless stream is the largest number.
SEEK_FAILED = 39  # libsndfile's SFE_BAD_SEEK.

# An MP3's header counts whole frames of 1152 samples, and the encoder's padding.
MP3_SLACK_FRAMES = 3 * 1152


def decode(data: bytes, *, field: str, max_seconds: float, codecs: bool = True) -> Recording:
    """A short file as a whole. Raises: as read_blocks."""
    blocks = list(read_blocks(data, field=field, max_seconds=max_seconds, codecs=codecs))
    return Recording(np.concatenate([one.samples for one in blocks]), blocks[0].rate_hz)


def read_blocks(
    file: SoundFile, *, field: str, max_seconds: float, codecs: bool = True
) -> Iterator[Recording]:
    """The recording in a file, its channels mixed down to one, in blocks of about a second.

    All blocks have the same rate, there is at least one, and together they are as long as the
    file tells: what is wrong with it is raised before the first or, where only decoding shows
    it, behind the last that is good.

    Args:
        file: May be read again by another call.
        field: The request's field, for the errors.
        max_seconds: Longest recording that is taken.
        codecs: What libsndfile does not read is given to PyAV, where that is installed.

    Raises:
        UnsupportedMediaError: this is no audio file that can be read here.
        PayloadTooLargeError: it lasts longer than max_seconds.
        InvalidFieldError: it is empty, damaged or cut off.
    """
    if not len(file):
        raise InvalidFieldError(field, "the file is empty")
    sound = _open(file)
    if sound is None:
        yield from _read_media(file, field, max_seconds, codecs=codecs)
        return
    with sound:
        promised = sound.frames if 0 < sound.frames < UNKNOWN_FRAMES else 0
        if promised > max_seconds * sound.samplerate:
            raise too_long(promised / sound.samplerate, max_seconds)
        _check_whole(file, field)
        yield from _read(sound, promised, field, max_seconds)


def resample(samples: Samples, from_hz: int, to_hz: int) -> Samples:
    """For recognition: float32 [n] → float32 [ceil(n · to / from)]; the same rate: as is."""
    return change_rate(samples, from_hz, to_hz, FOR_RECOGNITION)


def at_rate(blocks: Iterator[Recording], rate_hz: int) -> Iterator[Samples]:
    """The samples at another rate, block by block; together what resample() makes of all."""
    resampler: StreamResampler | None = None
    for block in blocks:
        if resampler is None:
            resampler = StreamResampler(block.rate_hz, rate_hz, FOR_RECOGNITION)
        yield resampler.add(block.samples)
    if resampler is not None:
        yield resampler.finish()


def input_formats(*, codecs: bool) -> tuple[str, ...]:
    """The names of what can be read here."""
    return INPUT_FORMATS + MEDIA_FORMATS if codecs and codecs_installed() else INPUT_FORMATS


def _read_media(
    file: SoundFile, field: str, max_seconds: float, *, codecs: bool
) -> Iterator[Recording]:
    formats = ", ".join(input_formats(codecs=codecs))
    with content_of(file) as content:
        kind = kind_of(content)
    if not (codecs and codecs_installed()):
        if kind:
            raise UnsupportedMediaError(
                f"{field}: {kind} is read by the extra 'codecs' (PyAV), which is left out here "
                f"(CODECS=0). Formats: {formats}.",
                code="codecs_missing",
            )
        raise _no_audio(field, formats)
    _check_whole(file, field)
    # FFmpeg's libraries are loaded when the first such file comes.
    from audio_svc.audio.media import open_media, read_media

    container = open_media(file, field)
    if container is None:
        raise _no_audio(field, formats)
    with container:
        yield from read_media(container, field=field, max_seconds=max_seconds)


def _no_audio(field: str, formats: str) -> UnsupportedMediaError:
    return UnsupportedMediaError(
        f"{field}: this is not an audio file that can be read here. Formats: {formats}."
    )


def _open(file: SoundFile) -> Any:
    """None: libsndfile does not read it, or reads it and nobody promised that."""
    try:
        sound = soundfile.SoundFile(open_file(file))
    except soundfile.LibsndfileError:
        return None
    if sound.format not in CONTAINERS:
        sound.close()
        return None
    if CONTAINERS[sound.format] != "mp3":
        return sound
    with content_of(file) as content:
        head, skip = mp3_length.length_tag(content)
    if not head:
        return sound
    sound.close()
    return soundfile.SoundFile(open_file(file, head=head, skip=skip))


def _check_whole(file: SoundFile, field: str) -> None:
    with content_of(file) as content:
        missing = missing_bytes(content)
    if missing:
        raise cut_off(field, f"at least {missing} bytes that its header promises are missing")


def _read(sound: Any, promised: int, field: str, max_seconds: float) -> Iterator[Recording]:
    """Mixes block by block, so that many channels never stand in memory at once."""
    check = BlockCheck(field, max_seconds)
    frames = np.empty((BLOCK_FRAMES, sound.channels), np.float32)
    for count in _fill(sound, frames, promised, field):
        yield check.take(frames[:count].mean(axis=1), sound.samplerate)
    slack = MP3_SLACK_FRAMES if CONTAINERS[sound.format] == "mp3" else 0
    if check.count + slack < promised:
        raise cut_off(
            field,
            f"{check.count / sound.samplerate:.2f} s are there, "
            f"its header promises {promised / sound.samplerate:.2f} s",
        )
    check.finish()


def _fill(sound: Any, frames: Samples, promised: int, field: str) -> Iterator[int]:
    """Reads on into ``frames`` [n, channels] until nothing is left: how many were read each time.

    Of a FLAC whose head tells no length (a stream's can't) soundfile reads the last block and
    then fails to move behind it, without telling how much it has read.
    """
    while True:
        frames.fill(np.nan)
        try:
            count = len(sound.read(out=frames))
        except soundfile.LibsndfileError as exc:
            if promised or exc.code != SEEK_FAILED:
                raise cut_off(field, "it can not be decoded to its end") from None
            yield int(np.count_nonzero(~np.isnan(frames[:, 0])))
            return
        if not count:
            return
        yield count
