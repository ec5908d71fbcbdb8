"""torchvision's ConvNeXt as transformers' ConvNextForImageClassification."""

from model_registry_svc.torchvision.layout import Converted, Tensors, count, renamed, rule

STAGES = 4
_KIND = r"(weight|bias)"
# features.0 is the stem; then blocks and downsampling layers take turns.
_BLOCKS = {1: 0, 3: 1, 5: 2, 7: 3}
_DOWN = {2: 1, 4: 2, 6: 3}
_RULES = (
    rule(rf"features\.0\.0\.{_KIND}", "convnext.embeddings.patch_embeddings.{1}"),
    rule(rf"features\.0\.1\.{_KIND}", "convnext.embeddings.layernorm.{1}"),
    *(
        rule(
            rf"features\.{there}\.([01])\.{_KIND}",
            f"convnext.encoder.stages.{here}.downsampling_layer.{{1}}.{{2}}",
        )
        for there, here in _DOWN.items()
    ),
    *(
        rule(
            rf"features\.{there}\.(\d+)\.{part}",
            f"convnext.encoder.stages.{here}.layers.{{1}}.{name}",
        )
        for there, here in _BLOCKS.items()
        for part, name in (
            (r"layer_scale", "layer_scale_parameter"),
            (rf"block\.0\.{_KIND}", "dwconv.{2}"),
            (rf"block\.2\.{_KIND}", "layernorm.{2}"),
            (rf"block\.3\.{_KIND}", "pwconv1.{2}"),
            (rf"block\.5\.{_KIND}", "pwconv2.{2}"),
        )
    ),
    rule(rf"classifier\.0\.{_KIND}", "convnext.layernorm.{1}"),
    rule(rf"classifier\.2\.{_KIND}", "classifier.{1}"),
)


def convert(tensors: Tensors) -> Converted:
    """The model; what it is made of is read from the tensors themselves.

    Raises: ValueError, KeyError: it is none of these.
    """
    flat = {n: t.flat() if n.endswith("layer_scale") else t for n, t in tensors.items()}
    config = {
        "architectures": ["ConvNextForImageClassification"],
        "model_type": "convnext",
        "patch_size": tensors["features.0.0.weight"].shape[-1],
        "num_stages": STAGES,
        "hidden_sizes": [tensors[f"features.{n}.0.layer_scale"].shape[0] for n in _BLOCKS],
        "depths": [count(tensors, rf"features\.{n}\.(\d+)\.") for n in _BLOCKS],
        "layer_norm_eps": 1e-6,
        "hidden_act": "gelu",
    }
    return Converted(config, tensors["classifier.2.bias"].shape[0], renamed(flat, _RULES))
