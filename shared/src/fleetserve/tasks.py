"""The tasks a model can have, and which service serves them."""

from enum import StrEnum


class Task(StrEnum):
    FEATURE_EXTRACTION = "feature-extraction"
    SENTENCE_SIMILARITY = "sentence-similarity"
    TEXT_CLASSIFICATION = "text-classification"
    TOKEN_CLASSIFICATION = "token-classification"  # noqa: S105 - a task's name
    QUESTION_ANSWERING = "question-answering"
    ZERO_SHOT_CLASSIFICATION = "zero-shot-classification"
    FILL_MASK = "fill-mask"
    SUMMARIZATION = "summarization"
    TRANSLATION = "translation"
    TEXT2TEXT_GENERATION = "text2text-generation"
    TEXT_GENERATION = "text-generation"
    IMAGE_CLASSIFICATION = "image-classification"
    OBJECT_DETECTION = "object-detection"
    IMAGE_FEATURE_EXTRACTION = "image-feature-extraction"
    AUTOMATIC_SPEECH_RECOGNITION = "automatic-speech-recognition"
    TEXT_TO_SPEECH = "text-to-speech"
    TENSOR = "tensor"


# What these answer is a text made of the one that was sent.
TEXT_TO_TEXT_TASKS = frozenset({Task.SUMMARIZATION, Task.TRANSLATION, Task.TEXT2TEXT_GENERATION})
AUDIO_TASKS = frozenset({Task.AUTOMATIC_SPEECH_RECOGNITION, Task.TEXT_TO_SPEECH})

INFERENCE_SERVICE = "inference-svc"
AUDIO_SERVICE = "audio-svc"


def service_for_task(task: str) -> str:
    """The service whose replicas serve this task."""
    return AUDIO_SERVICE if task in AUDIO_TASKS else INFERENCE_SERVICE
