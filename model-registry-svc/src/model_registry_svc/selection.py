"""Which files of a repository a model needs: pure rules over its listing."""

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

from fleetserve.errors import InvalidFieldError
from model_registry_svc.safe_paths import check_no_overlap, check_relative_path
from model_registry_svc.source.base import Artifact

SAFE_WEIGHTS = frozenset({".safetensors", ".pt2"})
PICKLES = frozenset({".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".joblib"})
SUPPORT = frozenset(
    {
        ".json",
        ".txt",
        ".model",
        ".spm",
        ".tiktoken",
        ".jinja",
        ".yaml",
        ".yml",
        ".vocab",
        ".bpe",
        ".npy",
        ".npz",
    }
)
# Copies of the weights for other runtimes, and what training left behind.
_OTHER_RUNTIMES = frozenset(
    {"onnx", "openvino", "coreml", "tf", "flax", "tflite", "runs", "gguf", "original", "metal"}
)
# The same weights as their makers' own code reads them, beside those for transformers.
_MAKERS_OWN = re.compile(r"^consolidated(\.\d+|-\d+-of-\d+)?\.(safetensors(\.index\.json)?|pth)$")
_FOR_TRANSFORMERS = re.compile(r"^(pytorch_)?model(-\d+-of-\d+)?\.(safetensors|bin)$")
_LEFT_BY_TRAINING = re.compile(r"^(training_args|optimizer|scheduler|scaler|rng_state.*)\.\w+$")
# model.fp16.safetensors, model.fp32-00001-of-00002.safetensors, model.safetensors.index.fp32.json
_VARIANT = re.compile(r"\.(fp16|fp32|bf16|int8|8bit|4bit|non_ema)(-\d+-of-\d+)?\.[a-z]+$")
_INDEX = re.compile(r"\.(bin|pt|pth|ckpt)\.index\.json$")


def select_files(artifacts: Sequence[Artifact], *, allow_pickle: bool) -> tuple[Artifact, ...]:
    """The weights (safetensors before pickles, per folder) and what reads them.

    Raises:
        HostilePathError: the listing names a path outside of its folder.
        InvalidFieldError: field ``allow_pickle`` when there are only pickles and they are not
            allowed; field ``model_id`` when there are no weights for PyTorch at all.
    """
    for artifact in artifacts:
        check_relative_path(artifact.path)
    check_no_overlap(artifact.path for artifact in artifacts)
    kept = [a for a in artifacts if _is_wanted(PurePosixPath(a.path))]
    kept = _without_variants(kept)
    kept = _without_makers_own(kept)
    kept = _without_shadowed_pickles(kept)
    pickles = [a.path for a in kept if _suffix(a) in PICKLES]
    if pickles and not allow_pickle:
        raise InvalidFieldError(
            "allow_pickle",
            f"{pickles[0]} is a pickle, and there is no safetensors file instead of it. Pickles "
            "can run code when loaded. If you trust this repository, post again with "
            '"allow_pickle": true; it is then read with weights_only.',
            code="pickle_refused",
        )
    if not any(_suffix(a) in SAFE_WEIGHTS | PICKLES for a in kept):
        found = sorted({_suffix(a) for a in artifacts if _suffix(a)})
        raise InvalidFieldError(
            "model_id",
            "no weights for PyTorch (.safetensors, .pt2 or .bin) are in it; it has "
            f"{', '.join(found) or 'no files'}.",
            code="no_weights",
        )
    return tuple(sorted(kept, key=lambda a: a.path))


def _suffix(artifact: Artifact) -> str:
    return PurePosixPath(artifact.path).suffix.lower()


def _is_wanted(path: PurePosixPath) -> bool:
    if any(part.startswith(".") for part in path.parts):
        return False
    if any(part.lower() in _OTHER_RUNTIMES for part in path.parts[:-1]):
        return False
    if _LEFT_BY_TRAINING.match(path.name):
        return False
    if path.name.split(".")[0].upper() in {"LICENSE", "LICENCE", "NOTICE", "README"}:
        return path.suffix.lower() in {"", ".md", ".txt"}
    return path.suffix.lower() in SAFE_WEIGHTS | PICKLES | SUPPORT


def _without_variants(artifacts: list[Artifact]) -> list[Artifact]:
    """Drops other precisions where the plain weights are there as well."""
    plain = [a for a in artifacts if not _VARIANT.search(a.path)]
    has_weights = any(_suffix(a) in SAFE_WEIGHTS | PICKLES for a in plain)
    return plain if has_weights else artifacts


def _without_makers_own(artifacts: list[Artifact]) -> list[Artifact]:
    """Drops Llama's and Mistral's consolidated files where there are others to load."""
    if not any(_FOR_TRANSFORMERS.match(a.path) for a in artifacts):
        return artifacts
    return [a for a in artifacts if not _MAKERS_OWN.match(a.path)]


def _without_shadowed_pickles(artifacts: list[Artifact]) -> list[Artifact]:
    """Drops pickles from folders with safetensors, and other pickles beside pytorch_model."""
    by_folder: dict[PurePosixPath, set[str]] = {}
    for artifact in artifacts:
        path = PurePosixPath(artifact.path)
        by_folder.setdefault(path.parent, set()).add(path.name)
    return [a for a in artifacts if not _is_shadowed(a, by_folder)]


def _is_shadowed(artifact: Artifact, by_folder: dict[PurePosixPath, set[str]]) -> bool:
    path = PurePosixPath(artifact.path)
    if path.suffix.lower() not in PICKLES and not _INDEX.search(path.name):
        return False
    siblings = by_folder[path.parent]
    if any(name.endswith(tuple(SAFE_WEIGHTS)) for name in siblings):
        return True
    has_checkpoint = any(name.startswith("pytorch_model") for name in siblings)
    return has_checkpoint and not path.name.startswith("pytorch_model")
