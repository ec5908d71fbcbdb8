"""How models are grouped for people: by what they are for; pure."""

from fleetserve.tasks import Task

_BY_TASK = {
    Task.TEXT_TO_SPEECH: "tts",
    Task.AUTOMATIC_SPEECH_RECOGNITION: "stt",
    Task.FEATURE_EXTRACTION: "embedding",
    Task.SENTENCE_SIMILARITY: "embedding",
    Task.TEXT_CLASSIFICATION: "text",
    Task.TOKEN_CLASSIFICATION: "text",
    Task.QUESTION_ANSWERING: "text",
    Task.ZERO_SHOT_CLASSIFICATION: "text",
    Task.FILL_MASK: "text",
    Task.SUMMARIZATION: "generation",
    Task.TRANSLATION: "generation",
    Task.TEXT2TEXT_GENERATION: "generation",
    Task.TEXT_GENERATION: "generation",
    Task.IMAGE_CLASSIFICATION: "vision",
    Task.OBJECT_DETECTION: "vision",
    Task.IMAGE_FEATURE_EXTRACTION: "vision",
    Task.TENSOR: "tensor",
}
CATEGORIES = tuple(dict.fromkeys(_BY_TASK.values()))


def category_of(task: str) -> str:
    """One of CATEGORIES; ``other`` while the task is not known yet."""
    return _BY_TASK[Task(task)] if task in set(Task) else "other"
