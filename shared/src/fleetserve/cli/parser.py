"""The commands and their options."""

import argparse
from typing import TypeAlias

from fleetserve import __version__

EPILOG = """\
examples:
  fleetserve up
  fleetserve predict example '[1, 2, 3, 4, 5]'
  fleetserve pull microsoft/speecht5_tts
  fleetserve say "Hello, world." -o hello.wav
  fleetserve transcribe hello.wav

FLEETSERVE_URL and FLEETSERVE_TOKEN stand for --url and --token.
"""

UP_ENVIRONMENT = """\
environment:
  PORT, BIND                  where the gateway listens (8000, 127.0.0.1)
  FLEETSERVE_HOME             models, data, logs and secrets (./.fleetserve)
  FLEETSERVE_CONFIG           the configuration (./config.yaml)
  REDIS_URL                   a Redis to use; else the fleet starts its own
  FLEETSERVE_START_TIMEOUT_S  how long a service may take to become ready (120)
"""

# Where each command's run() is; imported only when it is called.
COMMANDS = {
    "up": "fleetserve.cli.up",
    "status": "fleetserve.cli.status",
    "predict": "fleetserve.cli.predict",
    "say": "fleetserve.cli.say",
    "transcribe": "fleetserve.cli.transcribe",
    "pull": "fleetserve.cli.pull",
    "config check": "fleetserve.cli.config_check",
}

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001 - its only name


class _Help(argparse.RawDescriptionHelpFormatter):
    """Help with room for the options before their texts."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=30)


def build_parser() -> argparse.ArgumentParser:
    """The parser of the whole command line; ``command`` in its result names a command."""
    parser = argparse.ArgumentParser(
        prog="fleetserve",
        description="Serves PyTorch models behind one address.",
        epilog=EPILOG,
        formatter_class=_Help,
    )
    parser.add_argument("--version", action="version", version=f"fleetserve {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_up(commands)
    for add in (_add_status, _add_predict, _add_say, _add_transcribe, _add_pull):
        _add_gateway_options(add(commands))
    _add_config(commands)
    return parser


def _add_up(commands: Commands) -> None:
    commands.add_parser(
        "up",
        formatter_class=_Help,
        help="run a whole fleet here, until Ctrl-C",
        description="Starts Redis and every service as local processes and stops them on Ctrl-C.",
        epilog=UP_ENVIRONMENT,
    )


def _add_config(commands: Commands) -> None:
    config = commands.add_parser(
        "config", formatter_class=_Help, help="the configuration"
    ).add_subparsers(dest="subcommand", required=True, metavar="check")
    config.add_parser(
        "check",
        formatter_class=_Help,
        help="say what is wrong with config.yaml and the environment",
    )


def _add_status(commands: Commands) -> argparse.ArgumentParser:
    return commands.add_parser(
        "status", formatter_class=_Help, help="services, replicas and models of a fleet"
    )


def _add_predict(commands: Commands) -> argparse.ArgumentParser:
    parser = commands.add_parser("predict", formatter_class=_Help, help="run a model on an input")
    parser.add_argument("model", help="its name in the fleet, as `fleetserve status` shows it")
    parser.add_argument("input", help="JSON, or text as it is; - reads it from stdin")
    parser.add_argument("--text", action="store_true", help="take the input as text, not as JSON")
    parser.add_argument("--parameters", metavar="JSON", help="parameters of the model's task")
    parser.add_argument("--timeout", type=float, metavar="S", help="seconds to wait at most (30)")
    parser.add_argument("--priority", type=int, metavar="0-10", help="10 goes first (0)")
    parser.add_argument("--full", action="store_true", help="print the whole answer")
    return parser


def _add_say(commands: Commands) -> argparse.ArgumentParser:
    parser = commands.add_parser("say", formatter_class=_Help, help="speak a text into a file")
    parser.add_argument("text", help="what to say; - reads it from stdin")
    parser.add_argument("-o", "--output", default="speech.wav", metavar="FILE", help="%(default)s")
    parser.add_argument("--model", help="a speech model; needed where several were downloaded")
    parser.add_argument("--voice", help="one of the model's voices")
    parser.add_argument("--language", help="as en")
    parser.add_argument("--speed", type=float, help="0.5 to 2 (1)")
    parser.add_argument("--pitch", type=float, help="0.5 to 2, a ratio (1)")
    parser.add_argument("--volume", type=float, help="0.1 to 2 (1)")
    parser.add_argument("--seed", type=int, help="the same seed speaks the same")
    parser.add_argument("--format", help="wav, mp3, flac, …; else by the file's name")
    return parser


def _add_transcribe(commands: Commands) -> argparse.ArgumentParser:
    parser = commands.add_parser("transcribe", formatter_class=_Help, help="write down a recording")
    parser.add_argument("file", help="wav, mp3, flac, ogg, opus, m4a, …")
    parser.add_argument("--model", help="a recognition model; needed where several were downloaded")
    parser.add_argument("--language", help="as en; else it is detected")
    parser.add_argument("--translate", action="store_true", help="into English")
    parser.add_argument(
        "--format",
        choices=("text", "json", "srt", "vtt", "verbose_json"),
        default="text",
        help="%(default)s",
    )
    return parser


def _add_pull(commands: Commands) -> argparse.ArgumentParser:
    parser = commands.add_parser(
        "pull", formatter_class=_Help, help="download a model into the fleet"
    )
    parser.add_argument("model_id", help="as microsoft/speecht5_tts")
    parser.add_argument("--name", help="its name in the fleet (the last part of its id)")
    parser.add_argument("--task", help="as text-to-speech; else the hub says it")
    parser.add_argument("--revision", help="a branch, tag or commit")
    parser.add_argument("--source", default="huggingface", help="%(default)s")
    parser.add_argument("--vocoder", action="store_true", help="with its vocoder")
    return parser


def _add_gateway_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--url", help="the fleet's address (http://127.0.0.1:8000)")
    parser.add_argument("--token", help="a JWT or an API key, where auth is on")
