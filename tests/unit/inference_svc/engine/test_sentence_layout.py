import json
from pathlib import Path

import pytest

from inference_svc.engine.sentence_layout import (
    SentenceLayout,
    UnsupportedLayoutError,
    read_layout,
)
from tests.hub.minilm import minilm_folder

ST = "sentence_transformers.models."


def write(folder: Path, name: str, content: object) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


def modules(folder: Path, *kinds: str) -> None:
    rows = [
        {"idx": n, "name": str(n), "path": "" if n == 0 else f"{n}_{kind}", "type": ST + kind}
        for n, kind in enumerate(kinds)
    ]
    write(folder, "modules.json", rows)


def test_a_repo_that_says_nothing_is_pooled_by_the_mean(tmp_path: Path) -> None:
    assert read_layout(tmp_path) == SentenceLayout(tmp_path, ("mean",))


def test_minilm_is_read_as_published() -> None:
    folder = minilm_folder()
    layout = read_layout(folder)
    assert layout == SentenceLayout(folder, ("mean",), normalize=True, max_tokens=256)


@pytest.mark.parametrize(
    ("config", "pooling"),
    [
        ({"pooling_mode_cls_token": True}, ("cls",)),
        ({"pooling_mode_cls_token": False, "pooling_mode_max_tokens": True}, ("max",)),
        (
            {"pooling_mode_mean_tokens": True, "pooling_mode_cls_token": True},
            ("cls", "mean"),
        ),
        ({"pooling_mode": "lasttoken"}, ("lasttoken",)),
        ({"pooling_mode": ["cls", "mean"]}, ("cls", "mean")),
        ({}, ("mean",)),
    ],
)
def test_both_ways_of_naming_the_pooling_are_read(
    tmp_path: Path, config: dict[str, object], pooling: tuple[str, ...]
) -> None:
    modules(tmp_path, "Transformer", "Pooling")
    write(tmp_path, "1_Pooling/config.json", config)
    assert read_layout(tmp_path).pooling == pooling


def test_dense_layers_and_normalising_follow_the_pooling(tmp_path: Path) -> None:
    modules(tmp_path, "Transformer", "Pooling", "Dense", "Normalize")
    layout = read_layout(tmp_path)
    assert layout.dense == (tmp_path / "2_Dense",)
    assert layout.normalize


def test_a_transformer_in_a_folder_of_its_own_is_found(tmp_path: Path) -> None:
    rows = [{"idx": 0, "name": "0", "path": "0_Transformer", "type": ST + "Transformer"}]
    write(tmp_path, "modules.json", rows)
    write(
        tmp_path,
        "0_Transformer/sentence_bert_config.json",
        {"max_seq_length": 77, "do_lower_case": True},
    )
    layout = read_layout(tmp_path)
    assert layout.transformer == tmp_path / "0_Transformer"
    assert (layout.max_tokens, layout.lower_case) == (77, True)


def test_the_default_prompt_goes_before_each_text(tmp_path: Path) -> None:
    write(
        tmp_path,
        "config_sentence_transformers.json",
        {"prompts": {"query": "query: ", "passage": "p: "}, "default_prompt_name": "query"},
    )
    assert read_layout(tmp_path).prompt == "query: "


def test_prompts_without_a_default_are_left_out(tmp_path: Path) -> None:
    write(tmp_path, "config_sentence_transformers.json", {"prompts": {"query": "query: "}})
    assert read_layout(tmp_path).prompt == ""


def test_a_module_that_is_not_known_is_refused(tmp_path: Path) -> None:
    modules(tmp_path, "Transformer", "WordWeights")
    with pytest.raises(UnsupportedLayoutError, match="WordWeights"):
        read_layout(tmp_path)


@pytest.mark.parametrize("config", [{"pooling_mode": "median"}, {"include_prompt": False}])
def test_a_pooling_that_is_not_known_is_refused(tmp_path: Path, config: object) -> None:
    modules(tmp_path, "Transformer", "Pooling")
    write(tmp_path, "1_Pooling/config.json", config)
    with pytest.raises(UnsupportedLayoutError):
        read_layout(tmp_path)


def test_a_path_out_of_the_model_is_refused(tmp_path: Path) -> None:
    rows = [{"idx": 0, "name": "0", "path": "../other", "type": ST + "Transformer"}]
    write(tmp_path, "modules.json", rows)
    with pytest.raises(UnsupportedLayoutError, match="outside"):
        read_layout(tmp_path)
