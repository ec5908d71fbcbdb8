"""Makes a folder that transformers loads out of a file of torchvision's.

It runs in the registry's worker, the only writer of the models volume: replicas mount it read-only,
and converting there would be done again at each load. No torch is needed for it and no memory to
speak of, since tensors are renamed and cut, never computed with.
"""

import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

from fleetserve.manifest import ManifestFile
from model_registry_svc.partial import sync
from model_registry_svc.safetensors_file import write_safetensors
from model_registry_svc.torch_file import UnreadableWeightsError, read_state_dict
from model_registry_svc.torchvision import convnext, resnet, vit
from model_registry_svc.torchvision.layout import Converted, Tensors
from model_registry_svc.torchvision.zoo import Weights, find_weights, imagenet_labels

# Part of the revision: a model that was converted otherwise is another one.
VERSION = 1
_FAMILIES: dict[str, Callable[[Tensors], Converted]] = {
    "convnext": convnext.convert,
    "resnet": resnet.convert,
    "vit": vit.convert,
}
# Those of ImageNet, which all of torchvision's weights were trained with.
_MEAN = (0.485, 0.456, 0.406)
_STD = (0.229, 0.224, 0.225)
_BILINEAR = 2


def convert(folder: Path, model_id: str, check: Callable[[], None]) -> list[ManifestFile]:
    """Writes weights, config.json and preprocessor_config.json beside the fetched file.

    Idempotent; the fetched file stays. ``check`` stops the work by raising.

    Raises: UnreadableWeightsError: the file holds another architecture. OSError: the disk is full.
    """
    weights = find_weights(model_id)
    source = folder / weights.file
    tensors = read_state_dict(source)
    try:
        converted = _FAMILIES[weights.family](tensors)
        config = converted.config | _labels(converted.classes)
    except (KeyError, ValueError) as exc:
        raise UnreadableWeightsError(
            f"{weights.file} is no {weights.id.partition('/')[0]}: {exc}."
        ) from exc
    return [
        _write_json(folder / "config.json", config),
        write_safetensors(source, converted.tensors, folder / "model.safetensors", check=check),
        _write_json(folder / "preprocessor_config.json", _preprocessing(weights)),
    ]


def _labels(classes: int) -> dict[str, Any]:
    """ImageNet's where the count fits; weights of one's own bring no names."""
    names = imagenet_labels()
    if classes != len(names):
        names = [f"LABEL_{number}" for number in range(classes)]
    return {
        "id2label": {str(number): name for number, name in enumerate(names)},
        "label2id": {name: number for number, name in enumerate(names)},
    }


def _preprocessing(weights: Weights) -> dict[str, Any]:
    """What torchvision does with an image (ImageClassification), in the words of transformers."""
    return {
        "image_processor_type": "BitImageProcessor",
        "do_convert_rgb": True,
        "do_resize": True,
        "size": {"shortest_edge": weights.resize},
        "resample": _BILINEAR,
        "do_center_crop": True,
        "crop_size": {"height": weights.crop, "width": weights.crop},
        "do_rescale": True,
        "rescale_factor": 1 / 255,
        "do_normalize": True,
        "image_mean": _MEAN,
        "image_std": _STD,
    }


def _write_json(path: Path, content: dict[str, Any]) -> ManifestFile:
    raw = json.dumps(content, indent=2, ensure_ascii=False).encode()
    path.write_bytes(raw)
    sync(path)
    return ManifestFile(path.name, len(raw), sha256(raw).hexdigest())
