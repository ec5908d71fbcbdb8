"""``fleetserve say``: speaks a text into a file."""

import base64
import binascii
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fleetserve.cli.context import Context
from fleetserve.cli.errors import CliError
from fleetserve.cli.gateway import Gateway
from fleetserve.cli.speech_models import only_model

FORMATS = ("wav", "mp3", "flac", "ogg", "opus", "aac", "pcm")
OPTIONS = ("voice", "language", "speed", "pitch", "volume", "seed")


def run(arguments: Namespace, context: Context) -> int:
    """Writes the audio and says on stderr how long it is."""
    text = context.stdin.read() if arguments.text == "-" else arguments.text
    to_stdout = arguments.output == "-"
    target = Path(arguments.output)
    with Gateway(context) as gateway:
        body = {
            "model_name": arguments.model or only_model(gateway, "text-to-speech"),
            "inputs": text,
            "output_format": arguments.format or format_of(target, to_stdout=to_stdout),
            **{name: v for name in OPTIONS if (v := getattr(arguments, name)) is not None},
        }
        answer = gateway.post("/synthesize", body)
    audio = _audio(answer)
    if to_stdout:
        context.binary_stdout.write(audio)
        context.binary_stdout.flush()
    else:
        _write(target, audio)
    context.stderr.write(f"{describe(answer, 'stdout' if to_stdout else str(target))}\n")
    return 0


def format_of(target: Path, *, to_stdout: bool) -> str:
    """The audio format that a file's name asks for.

    Raises: CliError: the name's ending is none of the formats.
    """
    suffix = target.suffix.lower().lstrip(".")
    if to_stdout:
        return "wav"
    if suffix not in FORMATS:
        raise CliError(
            f"{target} does not say which format it is to have",
            f"End its name with one of .{', .'.join(FORMATS)}, or give --format.",
        )
    return suffix


def describe(answer: Mapping[str, Any], target: str) -> str:
    """``out.wav: 3.4 s, 16000 Hz, speecht5_tts, spoken in 1.2 s`` and any warnings."""
    model = answer.get("model_info") or {}
    parts = [f"{answer['duration']:.2f} s"] if answer.get("duration") is not None else []
    parts += [f"{answer['sample_rate']} Hz"] if answer.get("sample_rate") else []
    parts += [str(model["model"])] if model.get("model") else []
    if answer.get("processing_time") is not None:
        parts.append(f"spoken in {answer['processing_time']:.2f} s")
    lines = [f"{target}: {', '.join(parts)}"]
    return "\n".join(lines + [f"warning: {text}" for text in answer.get("warnings") or []])


def _audio(answer: Mapping[str, Any]) -> bytes:
    try:
        return base64.b64decode(answer["audio_data"], validate=True)
    except (KeyError, TypeError, binascii.Error):
        raise CliError("the answer holds no audio", "Is it a fleet that answers there?") from None


def _write(target: Path, audio: bytes) -> None:
    try:
        target.write_bytes(audio)
    except OSError as exc:
        raise CliError(f"{target} can't be written", exc.strerror or str(exc)) from None
