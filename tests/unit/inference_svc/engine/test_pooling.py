import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from inference_svc.engine.pooling import load_dense, pool
from inference_svc.engine.sentence_layout import POOLING_MODES, UnsupportedLayoutError

# Two texts of 3 and 2 tokens, width 2; the padding holds what must never be seen.
TOKENS = torch.tensor([[[1.0, 2], [3, -4], [5, 6]], [[7.0, 8], [9, -10], [1e9, -1e9]]])
MASK = torch.tensor([[1, 1, 1], [1, 1, 0]])


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("cls", [[1, 2], [7, 8]]),
        ("max", [[5, 6], [9, 8]]),
        ("mean", [[3, 4 / 3], [8, -1]]),
        ("mean_sqrt_len_tokens", [[9 / 3**0.5, 4 / 3**0.5], [16 / 2**0.5, -2 / 2**0.5]]),
        ("weightedmean", [[22 / 6, 12 / 6], [25 / 3, -12 / 3]]),
        ("lasttoken", [[5, 6], [9, -10]]),
    ],
)
def test_each_mode_sees_the_tokens_and_not_the_padding(
    mode: str, expected: list[list[float]]
) -> None:
    assert mode in POOLING_MODES
    torch.testing.assert_close(
        pool(TOKENS, MASK, [mode]), torch.tensor(expected, dtype=torch.float32)
    )


def test_several_modes_are_put_side_by_side() -> None:
    found = pool(TOKENS, MASK, ["cls", "max"])
    torch.testing.assert_close(found, torch.tensor([[1.0, 2, 5, 6], [7, 8, 9, 8]]))


def write_dense(folder: Path, safe: bool, **config: object) -> torch.nn.Linear:
    layer = torch.nn.Linear(2, 3)
    weights = {"linear.weight": layer.weight.data, "linear.bias": layer.bias.data}
    if safe:
        save_file(weights, folder / "model.safetensors")
    else:
        torch.save(weights, folder / "pytorch_model.bin")
    content = {"in_features": 2, "out_features": 3, "bias": True, **config}
    (folder / "config.json").write_text(json.dumps(content))
    return layer


@pytest.mark.parametrize("safe", [True, False])
@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("torch.nn.modules.activation.Tanh", torch.tanh),
        ("torch.nn.modules.linear.Identity", lambda x: x),
    ],
)
def test_a_dense_layer_is_read_in_both_weight_layouts(
    tmp_path: Path, safe: bool, name: str, function: torch.nn.Module
) -> None:
    layer = write_dense(tmp_path, safe, activation_function=name)
    x = torch.tensor([[0.5, -1.0]])
    torch.testing.assert_close(load_dense(tmp_path)(x), function(layer(x)))


@pytest.mark.parametrize(
    "config",
    [
        {"activation_function": "os.system"},
        {"activation_function": "torch.nn.modules.activation.nothing"},
        {"use_residual": True},
        {"module_input_name": "token_embeddings"},
    ],
)
def test_what_a_dense_layer_can_not_be_is_refused(
    tmp_path: Path, config: dict[str, object]
) -> None:
    write_dense(tmp_path, True, **config)
    with pytest.raises(UnsupportedLayoutError):
        load_dense(tmp_path)
