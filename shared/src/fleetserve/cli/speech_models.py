"""Which speech model is meant when none is named."""

from typing import Any

from fleetserve.built_in import SOURCE
from fleetserve.cli.errors import CliError
from fleetserve.cli.gateway import Gateway

EXAMPLES = {
    "text-to-speech": "microsoft/speecht5_tts",
    "automatic-speech-recognition": "openai/whisper-tiny",
}


def only_model(gateway: Gateway, task: str) -> str:
    """The one model of that task that the fleet has; what is built in counts where no other is.

    Raises: CliError: there is none, and how to get one; or several, and which.
    """
    models = gateway.get("/models").get("model_info")
    found: dict[str, Any] = models if isinstance(models, dict) else {}
    able = {name: model for name, model in found.items() if _has_task(model, task)}
    names = sorted(name for name, model in able.items() if model.get("source") != SOURCE) or [*able]
    if len(names) == 1:
        return names[0]
    if names:
        raise CliError(
            f"the fleet has several models for {task}",
            f"Choose one with --model: {', '.join(names)}",
        )
    raise CliError(
        f"the fleet has no model for {task}", f"Get one: fleetserve pull {EXAMPLES[task]}"
    )


def _has_task(model: Any, task: str) -> bool:
    return isinstance(model, dict) and model.get("task") == task
