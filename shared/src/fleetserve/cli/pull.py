"""``fleetserve pull``: downloads a model and shows how far it is."""

import asyncio
from argparse import Namespace
from collections.abc import Mapping
from typing import Any

from fleetserve.cli.context import Context
from fleetserve.cli.errors import CliError
from fleetserve.cli.gateway import Gateway
from fleetserve.cli.progress_bar import ProgressBar

POLL_S = 0.25
DONE = ("completed", "already_exists")
FAILED = ("failed", "cancelled")


def run(arguments: Namespace, context: Context) -> int:
    """Returns when the model is there."""
    name = arguments.name or arguments.model_id.rsplit("/", 1)[-1]
    with Gateway(context) as gateway:
        started = gateway.post("/models/download", _request(arguments, name))
        status = started
        if started.get("status") not in DONE:
            status = asyncio.run(_follow(gateway, str(started.get("download_id")), context))
    if status.get("status") in FAILED:
        why = str(status.get("message") or "")
        raise CliError(f"the download of {arguments.model_id} {status['status']}", why)
    already = status.get("status") == "already_exists"
    context.stdout.write(f"{name} {'was there already' if already else 'is there'}\n")
    return 0


def _request(arguments: Namespace, name: str) -> dict[str, Any]:
    body: dict[str, Any] = {
        "source": arguments.source,
        "model_id": arguments.model_id,
        "name": name,
    }
    for option in ("task", "revision"):
        if getattr(arguments, option):
            body[option] = getattr(arguments, option)
    # These alone give spectrograms; nobody who pulls one wants it without its voice.
    silent = ("speecht5_tts", "tacotron2")
    if arguments.vocoder or any(name in arguments.model_id.lower() for name in silent):
        body["include_vocoder"] = True
    return body


async def _follow(gateway: Gateway, download_id: str, context: Context) -> dict[str, Any]:
    bar = ProgressBar(context.stderr)
    try:
        while True:
            status = gateway.get(f"/models/download/status/{download_id}")
            bar.show(status.get("bytes_done") or 0, status.get("bytes_total") or 0, _note(status))
            if status.get("status") in (*DONE, *FAILED):
                return status
            await context.clock.sleep(POLL_S)
    finally:
        bar.end()


def _note(status: Mapping[str, Any]) -> str:
    state = str(status.get("status") or "")
    eta = status.get("eta")
    if state == "downloading" and isinstance(eta, int | float):
        return f"{eta:.0f} s left"
    return state
