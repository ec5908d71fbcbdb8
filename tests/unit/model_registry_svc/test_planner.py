import pytest

from fleetserve.errors import InvalidFieldError
from fleetserve.manifest import VocoderSource
from model_registry_svc.plan import DownloadRequest, VoiceFile
from model_registry_svc.planner import Planner
from model_registry_svc.source.base import ModelHints, RepositoryNotFoundError
from model_registry_svc.source.memory import MemorySource

SPEECH = {"config.json": b"{}", "model.safetensors": b"w" * 10, "vocoder/x.json": b"theirs"}
HIFIGAN = {"config.json": b"{}", "model.safetensors": b"v" * 5}
VOICE = VoiceFile("default", "https://huggingface.co/x.npy", "ab" * 32, 2176, ("https://m/x",))


@pytest.fixture
def hub() -> MemorySource:
    return MemorySource(
        {
            "org/tts": dict(SPEECH),
            "microsoft/speecht5_hifigan": dict(HIFIGAN),
            "org/gan": {"pytorch_model.bin": b"p"},
            "org/bert": {"config.json": b"{}", "model.safetensors": b"b"},
            "org/bart": {"config.json": b"{}", "model.safetensors": b"a"},
            "org/tts-tacotron2": {"hyperparams.yaml": b"h", "model.ckpt": b"t"},
            "speechbrain/tts-hifigan-ljspeech": {"hyperparams.yaml": b"h", "generator.ckpt": b"g"},
            "org/vallex": {"vallex-checkpoint.pt": b"v", "presets/alan.npz": b"a"},
            "facebook/encodec_24khz": {"config.json": b"{}", "model.safetensors": b"c"},
            "org/export": {"model.pt2": b"e"},
        },
        hints={
            "org/tts": ModelHints(pipeline_tag="text-to-speech", model_type="speecht5"),
            "org/tts-tacotron2": ModelHints(pipeline_tag="text-to-speech"),
            "org/vallex": ModelHints(pipeline_tag="text-to-speech"),
            "org/bert": ModelHints(pipeline_tag="fill-mask"),
            "org/bart": ModelHints(pipeline_tag="summarization"),
        },
    )


@pytest.fixture
def planner(hub: MemorySource) -> Planner:
    return Planner({"huggingface": hub})


def request(model_id: str = "org/tts", **more: object) -> DownloadRequest:
    base = {"name": "m", "source": "huggingface", "model_id": model_id}
    return DownloadRequest(**{**base, **more})  # type: ignore[arg-type]


def test_plan_has_the_revision_the_task_and_the_files(planner: Planner) -> None:
    plan = planner.plan(request("org/bert"))
    assert len(plan.revision) == 40
    assert plan.task == "fill-mask"
    assert [f.target for f in plan.files] == ["config.json", "model.safetensors"]
    assert plan.bytes_total == 3
    assert plan.vocoder is None
    assert plan.bytes_converted == 0


def test_tensor_model_needs_the_rank_of_its_input(planner: Planner) -> None:
    assert planner.plan(request("org/export", input_rank=1)).task == "tensor"
    for task in (None, "tensor"):
        with pytest.raises(InvalidFieldError, match="A vector has 1") as caught:
            planner.plan(request("org/export", task=task))
        assert (caught.value.field, caught.value.code) == ("input_rank", "input_rank_missing")


def test_task_that_is_given_wins_over_the_source(planner: Planner) -> None:
    assert planner.plan(request("org/bert", task="feature-extraction")).task == "feature-extraction"
    with pytest.raises(InvalidFieldError, match="no-task"):
        planner.plan(request("org/bert", task="no-task"))


@pytest.mark.parametrize("task", [None, "text-to-speech"])
def test_silent_model_that_should_speak_is_refused(planner: Planner, task: str | None) -> None:
    with pytest.raises(InvalidFieldError, match="org/bert is a model for fill-mask") as caught:
        planner.plan(request("org/bert", must_speak=True, task=task))
    assert (caught.value.field, caught.value.code) == ("model_id", "does_not_speak")


def test_model_that_should_speak_and_does_is_taken(planner: Planner, hub: MemorySource) -> None:
    assert planner.plan(request(must_speak=True)).task == "text-to-speech"
    # The source does not say what it is; the caller does.
    hub.repos["org/unknown"] = {"model.safetensors": b"u"}
    told = request("org/unknown", must_speak=True, task="text-to-speech")
    assert planner.plan(told).task == "text-to-speech"


@pytest.mark.parametrize("task", [None, "summarization", "text-to-speech"])
def test_model_that_rewrites_becomes_a_voice_of_two_stages(
    planner: Planner, task: str | None
) -> None:
    plan = planner.plan(request("org/bart", must_speak=True, may_rewrite=True, task=task))
    assert (plan.task, plan.two_stage_voice) == ("summarization", True)
    assert plan.vocoder is None


def test_model_that_speaks_by_itself_needs_no_second_stage(planner: Planner) -> None:
    plan = planner.plan(request(must_speak=True, may_rewrite=True))
    assert (plan.task, plan.two_stage_voice) == ("text-to-speech", False)


def test_model_that_rewrites_is_no_voice_unless_that_was_asked_for(planner: Planner) -> None:
    assert not planner.plan(request("org/bart")).two_stage_voice
    for more in ({}, {"task": "text-to-speech"}):
        with pytest.raises(InvalidFieldError, match="summarization and does not speak"):
            planner.plan(request("org/bart", must_speak=True, **more))


def test_vocoder_and_voices_come_into_folders_of_their_own(planner: Planner) -> None:
    plan = planner.plan(request(include_vocoder=True, voices=(VOICE,)))
    assert [f.target for f in plan.files] == [
        "config.json",
        "model.safetensors",
        "vocoder/config.json",
        "vocoder/model.safetensors",
        "voices/default.npy",
    ]
    voice = plan.files[-1]
    assert (voice.artifact.sha256, voice.mirrors) == (VOICE.sha256, VOICE.mirrors)
    assert "neutral" in voice.without
    assert isinstance(plan.vocoder, VocoderSource)
    assert plan.vocoder.model_id == "microsoft/speecht5_hifigan"
    assert plan.warnings == ()


def test_tacotron2_comes_with_the_vocoder_of_its_spectrograms(planner: Planner) -> None:
    wanted = request("org/tts-tacotron2", include_vocoder=True, allow_pickle=True, voices=(VOICE,))
    plan = planner.plan(wanted)
    assert [f.target for f in plan.files] == [
        "hyperparams.yaml",
        "model.ckpt",
        "vocoder/generator.ckpt",
        "vocoder/hyperparams.yaml",
    ]
    assert plan.vocoder is not None
    assert plan.vocoder.model_id == "speechbrain/tts-hifigan-ljspeech"


def test_tacotron2_without_a_vocoder_comes_with_a_warning(planner: Planner) -> None:
    plan = planner.plan(request("org/tts-tacotron2", allow_pickle=True))
    assert "include_vocoder" in plan.warnings[0]


def test_vallex_comes_with_its_codec_and_its_presets(planner: Planner) -> None:
    plan = planner.plan(request("org/vallex", include_vocoder=True, allow_pickle=True))
    assert [f.target for f in plan.files] == [
        "presets/alan.npz",
        "vallex-checkpoint.pt",
        "vocoder/config.json",
        "vocoder/model.safetensors",
    ]
    assert plan.vocoder is not None
    assert plan.vocoder.model_id == "facebook/encodec_24khz"


def test_another_vocoder_can_be_named(planner: Planner) -> None:
    plan = planner.plan(request(vocoder_model="org/gan", allow_pickle=True))
    assert plan.vocoder is not None
    assert plan.vocoder.model_id == "org/gan"
    assert "vocoder/pytorch_model.bin" in [f.target for f in plan.files]


def test_refused_pickle_of_the_vocoder_is_named_as_its(planner: Planner) -> None:
    with pytest.raises(InvalidFieldError, match="allow_pickle: the vocoder org/gan: pytorch_model"):
        planner.plan(request(vocoder_model="org/gan"))


def test_trusted_pickle_of_a_vocoder_is_taken(planner: Planner) -> None:
    plan = planner.plan(request(vocoder_model="org/gan", allow_vocoder_pickle=True))
    assert "vocoder/pytorch_model.bin" in [f.target for f in plan.files]


def test_unknown_vocoder_is_not_found(planner: Planner) -> None:
    with pytest.raises(RepositoryNotFoundError):
        planner.plan(request(vocoder_model="org/none"))


def test_speaking_model_without_a_vocoder_comes_with_a_warning(planner: Planner) -> None:
    plan = planner.plan(request())
    assert plan.vocoder is None
    assert "include_vocoder" in plan.warnings[0]


def test_model_that_needs_no_vocoder_gets_none_and_no_voice(planner: Planner) -> None:
    plan = planner.plan(request("org/bert", include_vocoder=True, voices=(VOICE,)))
    assert plan.vocoder is None
    assert [f.target for f in plan.files] == ["config.json", "model.safetensors"]
    assert "needs no vocoder" in plan.warnings[0]


def test_file_that_will_be_converted_needs_no_permission(hub: MemorySource) -> None:
    hub.repos["resnet18"] = {"resnet18-01234567.pth": b"w" * 9}
    hub.conversions["resnet18"] = "resnet18/V1"
    hub.hints = {"resnet18": ModelHints(pipeline_tag="image-classification")}
    plan = Planner({"torchvision": hub}).plan(request("resnet18", source="torchvision"))
    assert [f.target for f in plan.files] == ["resnet18-01234567.pth"]
    assert (plan.conversion, plan.task) == ("resnet18/V1", "image-classification")
    assert (plan.bytes_total, plan.bytes_converted) == (9, 9)


def test_weights_are_looked_for_before_the_task_is_asked_for(
    planner: Planner, hub: MemorySource
) -> None:
    hub.repos["org/onnx"] = {"model.onnx": b"x"}
    with pytest.raises(InvalidFieldError, match="no weights"):
        planner.plan(request("org/onnx"))
