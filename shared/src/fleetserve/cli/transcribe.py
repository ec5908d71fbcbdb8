"""``fleetserve transcribe``: the text of a recording."""

from argparse import Namespace
from pathlib import Path

from fleetserve.cli.context import Context
from fleetserve.cli.errors import CliError
from fleetserve.cli.gateway import Gateway
from fleetserve.cli.speech_models import only_model

JSON_CONTENT = "application/json"


def run(arguments: Namespace, context: Context) -> int:
    """Prints the text, or subtitles or JSON where ``--format`` asks for them."""
    path = Path(arguments.file)
    audio = _read(path)
    with Gateway(context) as gateway:
        fields = {
            "model_name": arguments.model or only_model(gateway, "automatic-speech-recognition"),
            "response_format": "json" if arguments.format == "text" else arguments.format,
        }
        if arguments.language:
            fields["language"] = arguments.language
        if arguments.translate:
            fields["task"] = "translate"
        response = gateway.upload("/transcribe", (path.name, audio), fields)
    is_json = response.headers.get("content-type", "").startswith(JSON_CONTENT)
    if arguments.format == "text" and is_json:
        text = str(response.json().get("text", "")).strip()
    else:
        text = response.text.rstrip("\n")
    context.stdout.write(f"{text}\n")
    return 0


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as exc:
        raise CliError(f"{path} can't be read", exc.strerror or str(exc)) from None
