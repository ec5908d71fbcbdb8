"""What a repo's sentence-transformers files say about how its vectors are made.

Source: sentence-transformers' saved layout: modules.json lists the modules in order, each with
a folder; sentence_bert_config.json belongs to the transformer, config.json to each of the
others, config_sentence_transformers.json to the whole.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

POOLING_MODES = ("cls", "max", "mean", "mean_sqrt_len_tokens", "weightedmean", "lasttoken")
# The order matters: several together are concatenated in it.
_FLAGS = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
}


class UnsupportedLayoutError(Exception):
    """The files ask for something that would give other vectors if it were left out."""


@dataclass(frozen=True, slots=True)
class SentenceLayout:
    """How a text becomes a vector.

    Attributes:
        transformer: Folder of the transformer and its tokenizer.
        pooling: One or several of POOLING_MODES.
        dense: Folders of linear layers after the pooling, in order.
        max_tokens: Longer texts are cut there; None: what the model itself allows.
        prompt: Put before each text.
    """

    transformer: Path
    pooling: tuple[str, ...] = ("mean",)
    normalize: bool = False
    dense: tuple[Path, ...] = ()
    max_tokens: int | None = None
    lower_case: bool = False
    prompt: str = ""


def read_layout(folder: Path) -> SentenceLayout:
    """The layout of a model's folder; mean pooling where the files say nothing.

    Raises: UnsupportedLayoutError: a module or a pooling that is not known.
    """
    modules = read_json(folder / "modules.json") or []
    pooling: tuple[str, ...] = ("mean",)
    transformer, dense, normalize = folder, [], False
    for module in modules:
        kind = str(module["type"]).rpartition(".")[2]
        path = _inside(folder, str(module["path"]))
        if kind == "Transformer":
            transformer = path
        elif kind == "Pooling":
            pooling = _pooling(read_json(path / "config.json") or {})
        elif kind == "Dense":
            dense.append(path)
        elif kind == "Normalize":
            normalize = True
        else:
            raise UnsupportedLayoutError(f"modules.json has a module of type {module['type']}")
    limits = read_json(transformer / "sentence_bert_config.json") or {}
    return SentenceLayout(
        transformer=transformer,
        pooling=pooling,
        normalize=normalize,
        dense=tuple(dense),
        max_tokens=limits.get("max_seq_length"),
        lower_case=bool(limits.get("do_lower_case", False)),
        prompt=_prompt(read_json(folder / "config_sentence_transformers.json") or {}),
    )


def _inside(folder: Path, relative: str) -> Path:
    path = folder / relative
    if not path.resolve().is_relative_to(folder.resolve()):
        raise UnsupportedLayoutError(f"modules.json points outside of the model: {relative!r}")
    return path


def _pooling(config: dict[str, Any]) -> tuple[str, ...]:
    if config.get("include_prompt") is False:
        raise UnsupportedLayoutError("its pooling leaves the prompt out")
    named = config.get("pooling_mode")
    if named is None:
        return tuple(mode for flag, mode in _FLAGS.items() if config.get(flag)) or ("mean",)
    modes = (named,) if isinstance(named, str) else tuple(named)
    unknown = [mode for mode in modes if mode not in POOLING_MODES]
    if unknown:
        raise UnsupportedLayoutError(f"its pooling is {unknown[0]!r}")
    return modes


def _prompt(config: dict[str, Any]) -> str:
    prompts = config.get("prompts") or {}
    return str(prompts.get(config.get("default_prompt_name")) or "")


def read_json(path: Path) -> Any:
    if not path.is_file():
        return None
    return json.loads(path.read_text(encoding="utf-8"))
