"""``fleetserve predict``: one call of /predict."""

import json
from argparse import Namespace
from collections.abc import Mapping
from typing import Any

from fleetserve.cli.context import Context
from fleetserve.cli.errors import CliError
from fleetserve.cli.gateway import Gateway


def run(arguments: Namespace, context: Context) -> int:
    """Prints the result as JSON on stdout, and how it came about on stderr."""
    given = context.stdin.read() if arguments.input == "-" else arguments.input
    body: dict[str, Any] = {
        "model_name": arguments.model,
        "inputs": given if arguments.text else parse_input(given),
    }
    if arguments.parameters:
        body["parameters"] = _parameters(arguments.parameters)
    if arguments.timeout is not None:
        body["timeout"] = arguments.timeout
    if arguments.priority is not None:
        body["priority"] = arguments.priority
    with Gateway(context) as gateway:
        answer = gateway.post("/predict", body)
    shown = answer if arguments.full else answer.get("result")
    context.stdout.write(json.dumps(shown, ensure_ascii=False) + "\n")
    if not arguments.full:
        context.stderr.write(f"{how_it_came(answer)}\n")
    return 0


def parse_input(text: str) -> Any:
    """What the text says as JSON, else the text itself."""
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text.removesuffix("\n")


def how_it_came(answer: Mapping[str, Any]) -> str:
    """One line: model, replica, device and time, as far as the answer tells."""
    model, batch = answer.get("model_info") or {}, answer.get("batch_info") or {}
    parts = [str(value) for value in (model.get("model"), batch.get("replica")) if value]
    if model.get("device"):
        parts.append(f"on {model['device']}")
    if answer.get("processing_time") is not None:
        parts.append(f"{answer['processing_time'] * 1000:.1f} ms")
    if batch.get("cold_start"):
        parts.append("cold start")
    return ", ".join(parts)


def _parameters(text: str) -> dict[str, Any]:
    parsed = parse_input(text)
    if not isinstance(parsed, dict):
        raise CliError("--parameters is not a JSON object", "For instance '{\"top_k\": 3}'.")
    return parsed
