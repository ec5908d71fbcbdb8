import json
from pathlib import Path

from tests.checkpoints.hub_root import (
    BARK,
    ENCODEC,
    GPT2,
    HIFIGAN,
    MMS_ENGLISH,
    MMS_KOREAN,
    SMOLLM2,
    SPEECHT5,
    SPEECHT5_SAFETENSORS,
    TACOTRON2,
    TACOTRON2_VOCODER,
    VALLEX,
    VCTK,
    WHISPER,
    XVECTOR_DATASET,
    XVECTOR_SPACE,
    write_hub_root,
)

MAX_BYTES = 40 << 20


def names_in(folder: Path) -> set[str]:
    paths = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return {path for path in paths if path != ".hub.json"}


def test_speecht5_has_the_published_files_and_no_safetensors(hub_root: Path) -> None:
    assert names_in(hub_root / SPEECHT5) == {
        "added_tokens.json",
        "config.json",
        "generation_config.json",
        "preprocessor_config.json",
        "pytorch_model.bin",
        "special_tokens_map.json",
        "spm_char.model",
        "tokenizer_config.json",
    }


def test_other_layout_differs_in_its_weights_only(hub_root: Path) -> None:
    differing = names_in(hub_root / SPEECHT5) ^ names_in(hub_root / SPEECHT5_SAFETENSORS)
    assert differing == {"pytorch_model.bin", "model.safetensors"}


def test_vocoder_is_a_config_and_a_bin(hub_root: Path) -> None:
    assert names_in(hub_root / HIFIGAN) == {"config.json", "pytorch_model.bin"}


def test_whisper_has_the_published_files(hub_root: Path) -> None:
    assert names_in(hub_root / WHISPER) == {
        "added_tokens.json",
        "config.json",
        "generation_config.json",
        "merges.txt",
        "model.safetensors",
        "normalizer.json",
        "preprocessor_config.json",
        "pytorch_model.bin",
        "special_tokens_map.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "vocab.json",
    }


def test_vits_has_the_published_files(hub_root: Path) -> None:
    assert names_in(hub_root / MMS_ENGLISH) == {
        "added_tokens.json",
        "config.json",
        "model.safetensors",
        "pytorch_model.bin",
        "special_tokens_map.json",
        "tokenizer_config.json",
        "vocab.json",
    }
    assert names_in(hub_root / VCTK) == names_in(hub_root / MMS_KOREAN)


def test_bark_has_a_bin_and_its_presets_as_arrays(hub_root: Path) -> None:
    names = names_in(hub_root / BARK)
    assert {name for name in names if not name.startswith("speaker_embeddings/")} == {
        "config.json",
        "generation_config.json",
        "pytorch_model.bin",
        "speaker_embeddings_path.json",
        "special_tokens_map.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "vocab.txt",
    }
    assert "speaker_embeddings/v2/en_speaker_6_semantic_prompt.npy" in names


def test_speechbrains_models_have_no_config_json(hub_root: Path) -> None:
    assert names_in(hub_root / TACOTRON2) == {"hyperparams.yaml", "model.ckpt"}
    assert names_in(hub_root / TACOTRON2_VOCODER) == {"hyperparams.yaml", "generator.ckpt"}


def test_vallex_is_one_pickle_and_its_codec_a_repository_of_its_own(hub_root: Path) -> None:
    assert names_in(hub_root / VALLEX) == {"vallex-checkpoint.pt"}
    files = {"config.json", "model.safetensors", "preprocessor_config.json"}
    assert names_in(hub_root / ENCODEC) == files


def test_causal_models_have_the_published_files(hub_root: Path) -> None:
    common = {
        "config.json",
        "generation_config.json",
        "merges.txt",
        "model.safetensors",
        "special_tokens_map.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "vocab.json",
    }
    assert names_in(hub_root / SMOLLM2) == common | {"chat_template.jinja"}
    assert names_in(hub_root / GPT2) == common


def test_xvectors_stand_in_the_dataset_and_in_the_space(hub_root: Path) -> None:
    assert names_in(hub_root / XVECTOR_DATASET) == {"spkrec-xvect.zip"}
    voices = names_in(hub_root / XVECTOR_SPACE)
    assert "spkemb/cmu_us_slt_arctic-wav-arctic_a0508.npy" in voices


def test_hub_is_told_the_tasks(hub_root: Path) -> None:
    def tag(repository: str) -> str | None:
        facts: dict[str, str] = json.loads((hub_root / repository / ".hub.json").read_text())
        return facts.get("pipeline_tag")

    assert tag(SPEECHT5) == "text-to-speech"
    assert tag(WHISPER) == "automatic-speech-recognition"
    assert tag(SMOLLM2) == tag(GPT2) == "text-generation"
    assert tag(HIFIGAN) is None


def test_all_of_it_is_small(hub_root: Path) -> None:
    sizes = [path.stat().st_size for path in hub_root.rglob("*") if path.is_file()]
    assert sum(sizes) < MAX_BYTES


def test_same_bytes_are_written_every_time(hub_root: Path, tmp_path: Path) -> None:
    write_hub_root(tmp_path)
    for path in sorted(hub_root.rglob("*")):
        if path.is_file():
            again = tmp_path / path.relative_to(hub_root)
            assert again.read_bytes() == path.read_bytes(), path
