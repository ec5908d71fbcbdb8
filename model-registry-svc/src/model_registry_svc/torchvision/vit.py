"""torchvision's vision transformer as transformers' ViTForImageClassification."""

from math import isqrt

from model_registry_svc.tensor_span import TensorSpan
from model_registry_svc.torchvision.layout import Converted, Tensors, count, renamed, rule

# All of torchvision's have heads of this width, and no tensor tells it.
HEAD_SIZE = 64
_OLD = "vit.encoder.layer.{1}"
_NEW = r"encoder\.layers\.encoder_layer_(\d+)"
_KIND = r"(weight|bias)"
_RULES = (
    rule(r"class_token", "vit.embeddings.cls_token"),
    rule(r"encoder\.pos_embedding", "vit.embeddings.position_embeddings"),
    rule(rf"conv_proj\.{_KIND}", "vit.embeddings.patch_embeddings.projection.{1}"),
    rule(rf"{_NEW}\.ln_1\.{_KIND}", f"{_OLD}.layernorm_before.{{2}}"),
    rule(rf"{_NEW}\.ln_2\.{_KIND}", f"{_OLD}.layernorm_after.{{2}}"),
    rule(rf"{_NEW}\.self_attention\.out_proj\.{_KIND}", f"{_OLD}.attention.output.dense.{{2}}"),
    rule(
        rf"{_NEW}\.self_attention\.(query|key|value)\.{_KIND}",
        f"{_OLD}.attention.attention.{{2}}.{{3}}",
    ),
    # The files have the names of torchvision's first version, its code those of the second.
    rule(rf"{_NEW}\.mlp\.(?:linear_1|0)\.{_KIND}", f"{_OLD}.intermediate.dense.{{2}}"),
    rule(rf"{_NEW}\.mlp\.(?:linear_2|3)\.{_KIND}", f"{_OLD}.output.dense.{{2}}"),
    rule(rf"encoder\.ln\.{_KIND}", "vit.layernorm.{1}"),
    rule(rf"heads\.head\.{_KIND}", "classifier.{1}"),
)


def convert(tensors: Tensors) -> Converted:
    """The model; what it is made of is read from the tensors themselves.

    Raises: ValueError, KeyError: it is none of these.
    """
    hidden, _, patch, _ = tensors["conv_proj.weight"].shape
    patches = tensors["encoder.pos_embedding"].shape[1] - 1
    split = _with_split_attention(tensors)
    new = renamed(split, _RULES)
    config = {
        "architectures": ["ViTForImageClassification"],
        "model_type": "vit",
        "hidden_size": hidden,
        "num_hidden_layers": count(tensors, rf"{_NEW}\."),
        "num_attention_heads": hidden // HEAD_SIZE,
        "intermediate_size": new["vit.encoder.layer.0.intermediate.dense.weight"].shape[0],
        "image_size": isqrt(patches) * patch,
        "patch_size": patch,
        "layer_norm_eps": 1e-6,
        "hidden_act": "gelu",
        "qkv_bias": True,
    }
    return Converted(config, tensors["heads.head.bias"].shape[0], new)


def _with_split_attention(tensors: Tensors) -> dict[str, TensorSpan]:
    """Query, key and value lie in one tensor there, in three here."""
    split: dict[str, TensorSpan] = {}
    for name, span in tensors.items():
        place, found, kind = name.partition(".in_proj_")
        if not found:
            split[name] = span
            continue
        for part, third in zip(("query", "key", "value"), span.thirds(), strict=True):
            split[f"{place}.{part}.{kind}"] = third
    return split
