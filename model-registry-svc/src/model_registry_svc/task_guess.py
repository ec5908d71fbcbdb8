"""Works a model's task out from what its source says about it; pure."""

from collections.abc import Sequence
from pathlib import PurePosixPath

from fleetserve.errors import InvalidFieldError
from fleetserve.tasks import Task
from model_registry_svc.source.base import ModelHints

_BY_MODEL_TYPE = {
    "whisper": Task.AUTOMATIC_SPEECH_RECOGNITION,
    "moonshine": Task.AUTOMATIC_SPEECH_RECOGNITION,
    "bark": Task.TEXT_TO_SPEECH,
    "vits": Task.TEXT_TO_SPEECH,
    "fastspeech2_conformer": Task.TEXT_TO_SPEECH,
    "dia": Task.TEXT_TO_SPEECH,
    "csm": Task.TEXT_TO_SPEECH,
    "marian": Task.TRANSLATION,
}
# The end of an architecture's class name says its head; the longer endings stand first.
_BY_HEAD = (
    ("ForTextToSpeech", Task.TEXT_TO_SPEECH),
    ("ForSpeechToText", Task.AUTOMATIC_SPEECH_RECOGNITION),
    ("ForCTC", Task.AUTOMATIC_SPEECH_RECOGNITION),
    ("ForSequenceClassification", Task.TEXT_CLASSIFICATION),
    ("ForTokenClassification", Task.TOKEN_CLASSIFICATION),
    ("ForQuestionAnswering", Task.QUESTION_ANSWERING),
    ("ForMaskedLM", Task.FILL_MASK),
    ("ForCausalLM", Task.TEXT_GENERATION),
    ("LMHeadModel", Task.TEXT_GENERATION),
    ("ForImageClassification", Task.IMAGE_CLASSIFICATION),
    ("ForObjectDetection", Task.OBJECT_DETECTION),
    ("ForConditionalGeneration", Task.TEXT2TEXT_GENERATION),
)
# Models without a head; of a text's, nothing says what for.
_VISION_BACKBONES = frozenset(
    {
        *("vit", "vit_msn", "deit", "beit", "swin", "swinv2", "resnet", "convnext", "convnextv2"),
        *("dinov2", "dinov2_with_registers", "dinov3_vit", "dinov3_convnext", "ijepa"),
    }
)
_WHOLE_MODELS = frozenset({".pt2", ".pt", ".pth"})


def check_task(task: str) -> str:
    """The task itself if the fleet has it.

    Raises: InvalidFieldError: field ``task``, with the list.
    """
    if task not in set(Task):
        raise InvalidFieldError("task", f"{task!r} is not a task; one of: {', '.join(Task)}.")
    return task


def guess_task(hints: ModelHints, files: Sequence[str] = ()) -> str:
    """The task by the hub's tag, else by the library, the model type or the architecture's head.

    Where nothing at all is said, a single file that can hold a whole model (TorchScript or
    torch.export) is a tensor model.

    Raises: InvalidFieldError: field ``task``: it must be given, with the list.
    """
    tag = hints.pipeline_tag or ""
    if tag in set(Task):
        return tag
    found = _by_model(hints) if tag else _by_library(hints) or _by_model(hints)
    if found is None and hints == ModelHints():
        found = _by_file(files)
    if found is None:
        said = f" (the source says {tag!r}, which is none of them)" if tag else ""
        raise InvalidFieldError(
            "task",
            f"it can't be worked out{said}; post it as one of: {', '.join(Task)}.",
            code="task_unknown",
        )
    return found


def _by_library(hints: ModelHints) -> Task | None:
    if "sentence-transformers" in {hints.library_name, *hints.tags}:
        return Task.SENTENCE_SIMILARITY
    return None


def _by_model(hints: ModelHints) -> Task | None:
    if (hints.model_type or "") in _BY_MODEL_TYPE:
        return _BY_MODEL_TYPE[hints.model_type or ""]
    for architecture in hints.architectures:
        for ending, task in _BY_HEAD:
            if architecture.endswith(ending):
                return task
        if architecture.endswith("Model") and hints.model_type in _VISION_BACKBONES:
            return Task.IMAGE_FEATURE_EXTRACTION
    return None


def _by_file(files: Sequence[str]) -> Task | None:
    whole = [name for name in files if PurePosixPath(name).suffix.lower() in _WHOLE_MODELS]
    return Task.TENSOR if len(whole) == 1 else None
