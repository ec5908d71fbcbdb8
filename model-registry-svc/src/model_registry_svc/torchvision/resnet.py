"""torchvision's ResNet as transformers' ResNetForImageClassification.

torchvision strides in the 3x3 convolution of a bottleneck ("v1.5"), which transformers calls
downsample_in_bottleneck false; with it the two compute the same.
"""

from model_registry_svc.tensor_span import TensorSpan
from model_registry_svc.torchvision.layout import Converted, Tensors, count, renamed, rule

STAGES = 4
_BLOCK = "resnet.encoder.stages.{1}.layers.{2}"
_COUNTER = "num_batches_tracked"
_RULES = (
    rule(r"conv1\.weight", "resnet.embedder.embedder.convolution.weight"),
    rule(r"bn1\.(\w+)", "resnet.embedder.embedder.normalization.{1}"),
    rule(
        r"layer(\d+)\.(\d+)\.conv(\d+)\.weight",
        f"{_BLOCK}.layer.{{3}}.convolution.weight",
        down=(1, 3),
    ),
    rule(
        r"layer(\d+)\.(\d+)\.bn(\d+)\.(\w+)",
        f"{_BLOCK}.layer.{{3}}.normalization.{{4}}",
        down=(1, 3),
    ),
    rule(
        r"layer(\d+)\.(\d+)\.downsample\.0\.weight",
        f"{_BLOCK}.shortcut.convolution.weight",
        down=(1,),
    ),
    rule(
        r"layer(\d+)\.(\d+)\.downsample\.1\.(\w+)",
        f"{_BLOCK}.shortcut.normalization.{{3}}",
        down=(1,),
    ),
    rule(r"fc\.(weight|bias)", "classifier.1.{1}"),
)


def convert(tensors: Tensors) -> Converted:
    """The model; what it is made of is read from the tensors themselves.

    Raises: ValueError, KeyError: it is none of these.
    """
    bottleneck = "layer1.0.conv3.weight" in tensors
    last = "conv3" if bottleneck else "conv2"
    config = {
        "architectures": ["ResNetForImageClassification"],
        "model_type": "resnet",
        "layer_type": "bottleneck" if bottleneck else "basic",
        "embedding_size": tensors["conv1.weight"].shape[0],
        "hidden_sizes": [tensors[f"layer{n}.0.{last}.weight"].shape[0] for n in _stages()],
        "depths": [count(tensors, rf"layer{n}\.(\d+)\.") for n in _stages()],
        "downsample_in_first_stage": False,
        "downsample_in_bottleneck": False,
        "hidden_act": "relu",
    }
    return Converted(config, tensors["fc.bias"].shape[0], renamed(_with_counters(tensors), _RULES))


def _stages() -> range:
    return range(1, STAGES + 1)


def _with_counters(tensors: Tensors) -> dict[str, TensorSpan]:
    """Files from before torch 0.4.1 lack the counters of batch normalisation, which start at 0."""
    means = (name for name in tensors if name.endswith(".running_mean"))
    counters = (f"{name.rpartition('.')[0]}.{_COUNTER}" for name in means)
    return {**dict.fromkeys(counters, TensorSpan("I64", (), None)), **tensors}
