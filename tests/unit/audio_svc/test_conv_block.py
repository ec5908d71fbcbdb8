import torch

from audio_svc.conv_block import ConvBlock


def test_shape_is_kept_and_only_neighbours_are_seen() -> None:
    torch.manual_seed(0)
    block = ConvBlock(8, 5).eval()
    x = torch.randn(1, 20, 8)
    changed = x.clone()
    changed[0, 10] += 1
    with torch.inference_mode():
        difference = (block(changed) - block(x)).abs().sum(-1)[0]
    assert difference.shape == (20,)
    assert set(difference.nonzero().flatten().tolist()) <= set(range(8, 13))
    assert difference[10] > 0
