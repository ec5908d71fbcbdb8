import pytest

from fleetserve.errors import InvalidFieldError
from fleetserve.tasks import Task
from model_registry_svc.source.base import ModelHints
from model_registry_svc.task_guess import check_task, guess_task


@pytest.mark.parametrize(
    ("hints", "task"),
    [
        (ModelHints(pipeline_tag="text-to-speech"), "text-to-speech"),
        (ModelHints(library_name="sentence-transformers"), "sentence-similarity"),
        (ModelHints(tags=("x", "sentence-transformers")), "sentence-similarity"),
        (ModelHints(model_type="whisper"), "automatic-speech-recognition"),
        (ModelHints(model_type="vits", architectures=("VitsModel",)), "text-to-speech"),
        (ModelHints(architectures=("SpeechT5ForTextToSpeech",)), "text-to-speech"),
        (ModelHints(architectures=("Wav2Vec2ForCTC",)), "automatic-speech-recognition"),
        (ModelHints(architectures=("BertForMaskedLM",)), "fill-mask"),
        (ModelHints(architectures=("GPT2LMHeadModel",)), "text-generation"),
        (ModelHints(model_type="marian", architectures=("MarianMTModel",)), "translation"),
        (ModelHints(architectures=("YolosForObjectDetection",)), "object-detection"),
        (
            ModelHints(model_type="dinov2", architectures=("Dinov2Model",)),
            "image-feature-extraction",
        ),
        (
            ModelHints(
                pipeline_tag="text-generation", model_type="llama", tags=("conversational",)
            ),
            "text-generation",
        ),
        (ModelHints(model_type="qwen3", architectures=("Qwen3ForCausalLM",)), "text-generation"),
        (ModelHints(pipeline_tag="summarization", architectures=("BertModel",)), "summarization"),
        # The tag is none of ours, and says that it is no model of embeddings.
        (
            ModelHints(
                pipeline_tag="text-ranking",
                library_name="sentence-transformers",
                architectures=("BertForSequenceClassification",),
            ),
            "text-classification",
        ),
    ],
)
def test_task_is_worked_out(hints: ModelHints, task: str) -> None:
    assert guess_task(hints) == task


@pytest.mark.parametrize("name", ["m.pt2", "a/m.pt", "m.pth"])
def test_a_file_that_says_nothing_but_can_hold_a_model_is_one_of_tensors(name: str) -> None:
    assert guess_task(ModelHints(), [name, "README.md"]) == "tensor"


@pytest.mark.parametrize("files", [["m.safetensors"], ["a.pt", "b.pt"], []])
def test_other_files_say_nothing(files: list[str]) -> None:
    with pytest.raises(InvalidFieldError, match="it can't be worked out"):
        guess_task(ModelHints(), files)


def test_what_is_said_goes_before_what_the_file_could_be() -> None:
    hints = ModelHints(model_type="bert", architectures=("BertForMaskedLM",))
    assert guess_task(hints, ["m.pt"]) == "fill-mask"
    with pytest.raises(InvalidFieldError):
        guess_task(ModelHints(pipeline_tag="text-to-video"), ["m.pt"])


@pytest.mark.parametrize(
    "hints", [ModelHints(), ModelHints(pipeline_tag="text-to-video", architectures=("XModel",))]
)
def test_what_cannot_be_worked_out_is_asked_for_with_the_list(hints: ModelHints) -> None:
    with pytest.raises(InvalidFieldError, match="feature-extraction, sentence") as caught:
        guess_task(hints)
    assert (caught.value.field, caught.value.code) == ("task", "task_unknown")


def test_known_task_is_taken_and_another_refused_with_the_list() -> None:
    assert check_task("tensor") == Task.TENSOR
    with pytest.raises(InvalidFieldError, match="text-to-speech"):
        check_task("text-to-smell")
