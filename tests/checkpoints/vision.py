"""Small models over images, in the layouts of the public repositories; random weights."""

from pathlib import Path
from typing import Any

from transformers import (
    DetrConfig,
    DetrForObjectDetection,
    Dinov2Config,
    Dinov2Model,
    ResNetConfig,
    ResNetForImageClassification,
    ViTConfig,
    ViTForImageClassification,
    YolosConfig,
    YolosForObjectDetection,
)

from tests.checkpoints.text_models import draw
from tests.checkpoints.text_tokenizers import write_json

CLASSES = (
    "tench",
    "goldfish",
    "great white shark",
    "tiger shark",
    "hammerhead",
    "stingray",
    "cock",
)
THINGS = ("N/A", "person", "bicycle", "car", "motorcycle")
IMAGENET = {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}
HALF = {"image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]}


def write_vit(folder: Path) -> None:
    """As google/vit-base-patch16-224."""
    config = ViTConfig(
        image_size=32,
        patch_size=8,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        id2label=dict(enumerate(CLASSES)),
        label2id={name: number for number, name in enumerate(CLASSES)},
    )
    draw(ViTForImageClassification, config).save_pretrained(folder)
    settings = {"do_normalize": True, "do_rescale": True, "do_resize": True, "resample": 2}
    size = {"height": 32, "width": 32}
    kind = "ViTImageProcessor"
    document = {**HALF, **settings, "image_processor_type": kind, "rescale_factor": 1 / 255}
    write_json(folder / "preprocessor_config.json", {**document, "size": size})


def write_resnet(folder: Path) -> None:
    """As microsoft/resnet-50."""
    config = ResNetConfig(
        embedding_size=16,
        hidden_sizes=[16, 32],
        depths=[1, 1],
        id2label=dict(enumerate(CLASSES)),
        label2id={name: number for number, name in enumerate(CLASSES)},
    )
    draw(ResNetForImageClassification, config).save_pretrained(folder)
    settings = {
        "crop_pct": 0.875,
        "do_normalize": True,
        "do_resize": True,
        "resample": 3,
        "size": 32,
    }
    kind = {"feature_extractor_type": "ConvNextFeatureExtractor"}
    write_json(folder / "preprocessor_config.json", {**IMAGENET, **settings, **kind})


def _detection_settings(kind: str) -> dict[str, object]:
    """Older keys, as the public files have them."""
    named = {"feature_extractor_type": f"{kind}FeatureExtractor", "format": "coco_detection"}
    return {
        **IMAGENET,
        **named,
        "do_normalize": True,
        "do_resize": True,
        "max_size": 96,
        "size": 48,
    }


def write_yolos(folder: Path) -> None:
    """As hustvl/yolos-tiny."""
    config = YolosConfig(
        image_size=[48, 64],
        patch_size=16,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        num_detection_tokens=8,
        id2label=dict(enumerate(THINGS)),
        label2id={name: number for number, name in enumerate(THINGS)},
    )
    draw(YolosForObjectDetection, config).save_pretrained(folder)
    write_json(folder / "preprocessor_config.json", _detection_settings("Yolos"))


def write_detr(folder: Path) -> None:
    """As facebook/detr-resnet-50 at its revision no_timm: the backbone is transformers' ResNet."""
    make: Any = ResNetConfig
    backbone = make(
        embedding_size=16, hidden_sizes=[16, 32], depths=[1, 1], out_features=["stage2"]
    )
    make = DetrConfig
    config = make(
        backbone_config=backbone,
        use_timm_backbone=False,
        use_pretrained_backbone=False,
        backbone=None,
        d_model=32,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=4,
        decoder_attention_heads=4,
        encoder_ffn_dim=64,
        decoder_ffn_dim=64,
        num_queries=8,
        id2label=dict(enumerate(THINGS)),
        label2id={name: number for number, name in enumerate(THINGS)},
    )
    draw(DetrForObjectDetection, config).save_pretrained(folder)
    write_json(folder / "preprocessor_config.json", _detection_settings("Detr"))


def write_dinov2(folder: Path) -> None:
    """As facebook/dinov2-small."""
    config = Dinov2Config(
        image_size=28,
        patch_size=14,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        mlp_ratio=2,
    )
    draw(Dinov2Model, config).save_pretrained(folder)
    document = {
        **IMAGENET,
        "crop_size": {"height": 28, "width": 28},
        "do_center_crop": True,
        "do_convert_rgb": True,
        "do_normalize": True,
        "do_rescale": True,
        "do_resize": True,
        "image_processor_type": "BitImageProcessor",
        "resample": 3,
        "rescale_factor": 1 / 255,
        "size": {"shortest_edge": 32},
    }
    write_json(folder / "preprocessor_config.json", document)
