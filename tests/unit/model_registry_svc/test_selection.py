import pytest

from fleetserve.errors import InvalidFieldError
from model_registry_svc.safe_paths import HostilePathError
from model_registry_svc.selection import select_files
from model_registry_svc.source.base import Artifact

MINILM = [
    *(".gitattributes", "1_Pooling/config.json", "README.md", "config.json", "data_config.json"),
    *("config_sentence_transformers.json", "model.safetensors", "modules.json", "rust_model.ot"),
    *("onnx/model.onnx", "openvino/openvino_model.bin", "openvino/openvino_model.xml"),
    *("pytorch_model.bin", "sentence_bert_config.json", "special_tokens_map.json", "tf_model.h5"),
    *("tokenizer.json", "tokenizer_config.json", "train_script.py", "vocab.txt"),
]
WHISPER_LARGE = [
    *("config.json", "flax_model.msgpack", "generation_config.json", "model.safetensors"),
    *("model.fp32-00001-of-00002.safetensors", "model.fp32-00002-of-00002.safetensors"),
    *("model.safetensors.index.fp32.json", "pytorch_model.bin", "preprocessor_config.json"),
    *("pytorch_model.fp32-00001-of-00002.bin", "pytorch_model.bin.index.fp32.json"),
]


LLAMA = [
    *("LICENSE.txt", "README.md", "config.json", "generation_config.json", "tokenizer.json"),
    *("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"),
    *("model.safetensors.index.json", "special_tokens_map.json", "tokenizer_config.json"),
    *("chat_template.jinja", "original/consolidated.00.pth", "original/params.json"),
    *("original/tokenizer.model", "metal/model.bin", "onnx/model_q4.onnx"),
]
MISTRAL = ["config.json", "consolidated.safetensors", "model.safetensors", "params.json"]


def selected(paths: list[str], *, allow_pickle: bool = False) -> list[str]:
    artifacts = [Artifact(path, path, 1) for path in paths]
    return [a.path for a in select_files(artifacts, allow_pickle=allow_pickle)]


def test_sentence_transformers_repo_gives_weights_tokenizer_and_its_folders() -> None:
    assert selected(MINILM) == [
        "1_Pooling/config.json",
        "README.md",
        "config.json",
        "config_sentence_transformers.json",
        "data_config.json",
        "model.safetensors",
        "modules.json",
        "sentence_bert_config.json",
        "special_tokens_map.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "vocab.txt",
    ]


def test_other_precisions_are_left_when_the_plain_weights_are_there() -> None:
    assert selected(WHISPER_LARGE) == [
        "config.json",
        "generation_config.json",
        "model.safetensors",
        "preprocessor_config.json",
    ]


def test_a_causal_model_comes_with_its_template_and_without_its_makers_own_files() -> None:
    kept = [path for path in LLAMA if "/" not in path]
    assert selected(LLAMA) == sorted(kept)
    assert "consolidated.safetensors" not in selected(MISTRAL)


def test_the_makers_own_files_are_taken_when_there_is_nothing_else() -> None:
    assert selected(["consolidated.safetensors"]) == ["consolidated.safetensors"]


def test_variant_is_taken_when_there_is_nothing_else() -> None:
    assert selected(["config.json", "model.fp16.safetensors"])[-1] == "model.fp16.safetensors"


def test_safetensors_win_over_pickles_even_where_pickles_are_allowed() -> None:
    paths = [
        "config.json",
        "model.safetensors",
        "pytorch_model.bin",
        "pytorch_model.bin.index.json",
    ]
    assert selected(paths, allow_pickle=True) == ["config.json", "model.safetensors"]


def test_sharded_safetensors_come_with_their_index() -> None:
    paths = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]
    paths.append("model.safetensors.index.json")
    assert selected(paths) == sorted(paths)


def test_pickle_is_refused_with_the_word_that_allows_it() -> None:
    with pytest.raises(InvalidFieldError, match='"allow_pickle": true') as caught:
        selected(["config.json", "pytorch_model.bin", "spm_char.model"])
    assert (caught.value.field, caught.value.code) == ("allow_pickle", "pickle_refused")


def test_allowed_pickle_is_taken() -> None:
    paths = ["config.json", "pytorch_model.bin", "spm_char.model"]
    assert selected(paths, allow_pickle=True) == paths


def test_folder_without_safetensors_needs_the_word_too() -> None:
    paths = ["model.safetensors", "2_Dense/pytorch_model.bin"]
    with pytest.raises(InvalidFieldError, match=r"2_Dense/pytorch_model\.bin"):
        selected(paths)
    assert selected(paths, allow_pickle=True) == sorted(paths)


def test_original_checkpoints_beside_the_converted_one_are_left() -> None:
    paths = ["pytorch_model.bin", "text.pt", "coarse_2.pt", "speaker_embeddings/v2/en.npy"]
    expected = ["pytorch_model.bin", "speaker_embeddings/v2/en.npy"]
    assert selected(paths, allow_pickle=True) == expected


def test_what_training_left_behind_is_left() -> None:
    paths = ["model.safetensors", "training_args.bin", "optimizer.pt", "rng_state_0.pth"]
    assert selected(paths) == ["model.safetensors"]


def test_exported_program_counts_as_weights() -> None:
    assert selected(["model.pt2"]) == ["model.pt2"]


@pytest.mark.parametrize("paths", [["onnx/model.onnx"], ["config.json", "model.gguf"], []])
def test_repo_without_weights_for_torch_is_refused(paths: list[str]) -> None:
    with pytest.raises(InvalidFieldError, match="no weights") as caught:
        selected(paths)
    assert caught.value.code == "no_weights"


def test_hostile_path_is_refused_even_if_it_would_not_be_wanted() -> None:
    with pytest.raises(HostilePathError):
        selected(["model.safetensors", "../../x.onnx"])
