"""For each task a model of the hub, what it is asked, and with which parameters."""

import base64
import io
from dataclasses import dataclass, field
from typing import Any

from PIL import Image

MODELS = {
    "distilbert-sst2": "distilbert/distilbert-base-uncased-finetuned-sst-2-english",
    "bert-base-ner": "dslim/bert-base-NER",
    "roberta-base-squad2": "deepset/roberta-base-squad2",
    "bart-large-mnli": "facebook/bart-large-mnli",
    "bert-base-uncased": "google-bert/bert-base-uncased",
    "distilroberta-base": "distilbert/distilroberta-base",
    "bart-large-cnn": "facebook/bart-large-cnn",
    "opus-mt-en-de": "Helsinki-NLP/opus-mt-en-de",
    "mbart-large-50": "facebook/mbart-large-50-many-to-many-mmt",
    "t5-small": "google-t5/t5-small",
    "flan-t5-small": "google/flan-t5-small",
    "vit-base-patch16-224": "google/vit-base-patch16-224",
    "resnet-50": "microsoft/resnet-50",
    "yolos-tiny": "hustvl/yolos-tiny",
    "detr-resnet-50": "facebook/detr-resnet-50",
    "dinov2-small": "facebook/dinov2-small",
}
TEXTS = ["I love this small camera.", "The service was terrible, the food was cold.", "Fine"]
MASKED = ["The capital of Italy is [MASK].", "A [MASK] film"]
CONTEXT = "Ada Lovelace was born in London in the year 1815."
LONG_CONTEXT = f"{CONTEXT} The river Thames flows through it. " * 6
QUESTIONS = [
    {"question": "Who was born in London?", "context": CONTEXT},
    {"question": "When?", "context": LONG_CONTEXT},
]


def picture(width: int, height: int, seed: int) -> str:
    """A PNG of colours, as base64."""
    image = Image.radial_gradient("L").resize((width, height))
    bands = [image.rotate(90 * n + seed) for n in range(3)]
    file = io.BytesIO()
    Image.merge("RGB", bands).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


IMAGES = [picture(64, 48, 0), picture(48, 64, 1), f"data:image/png;base64,{picture(64, 48, 2)}"]


@dataclass(frozen=True)
class Asked:
    """``task`` as the hub's tag says; the first input is also asked by itself."""

    name: str
    task: str
    inputs: list[Any]
    parameters: dict[str, Any] = field(default_factory=dict)


ASKED = [
    Asked("distilbert-sst2", "text-classification", TEXTS),
    Asked("bert-base-ner", "token-classification", TEXTS),
    Asked("bert-base-ner", "token-classification", TEXTS, {"aggregation_strategy": "max"}),
    Asked("roberta-base-squad2", "question-answering", QUESTIONS, {"max_seq_len": 48}),
    Asked(
        "bart-large-mnli",
        "zero-shot-classification",
        TEXTS,
        {"candidate_labels": ["food", "travel"], "multi_label": True},
    ),
    Asked("bert-base-uncased", "fill-mask", MASKED, {"top_k": 2}),
    Asked("distilroberta-base", "fill-mask", ["A <mask> film"]),
    Asked("bart-large-cnn", "summarization", TEXTS),
    Asked("opus-mt-en-de", "translation", TEXTS, {"max_new_tokens": 12}),
    Asked("mbart-large-50", "translation", TEXTS, {"src_lang": "en_XX", "tgt_lang": "de_DE"}),
    Asked("t5-small", "translation", TEXTS, {"tgt_lang": "fr", "max_new_tokens": 8}),
    Asked("flan-t5-small", "text2text-generation", TEXTS, {"num_beams": 2, "max_new_tokens": 8}),
    Asked("vit-base-patch16-224", "image-classification", IMAGES, {"top_k": 2}),
    Asked("resnet-50", "image-classification", IMAGES),
    Asked("yolos-tiny", "object-detection", IMAGES, {"threshold": 0.1}),
    Asked("detr-resnet-50", "object-detection", IMAGES, {"threshold": 0.1}),
    Asked("dinov2-small", "image-feature-extraction", IMAGES),
]
