import pytest
import torch
from torch import Tensor, nn

from inference_svc.generation.kv_cache import TextCache
from inference_svc.generation.packed_attention import Span, packed_attention

HEADS, SHARED, WIDTH = 4, 2, 8


class Layer(nn.Module):
    layer_idx = 0


def random(heads: int, tokens: int) -> Tensor:
    return torch.randn(1, heads, tokens, WIDTH)


def reference(
    query: Tensor, key: Tensor, value: Tensor, window: int | None, softcap: float | None
) -> Tensor:
    """By the definition, for the last queries of one text; [heads, queries, width]."""
    keys, values = (t[0].repeat_interleave(HEADS // SHARED, 0) for t in (key, value))
    count, length = query.shape[2], key.shape[2]
    out = torch.zeros(HEADS, count, WIDTH)
    for head in range(HEADS):
        for n in range(count):
            at = length - count + n
            first = 0 if window is None else max(0, at - window + 1)
            scores = keys[head, first : at + 1] @ query[0, head, n] * WIDTH**-0.5
            if softcap is not None:
                scores = softcap * torch.tanh(scores / softcap)
            out[head, n] = scores.softmax(0) @ values[head, first : at + 1]
    return out


@pytest.mark.parametrize("softcap", [None, 1.5])
@pytest.mark.parametrize("window", [None, 3])
def test_each_text_sees_its_own_past_only(window: int | None, softcap: float | None) -> None:
    torch.manual_seed(0)
    sizes = (5, 1, 4)  # In three steps: a prompt, a token, a chunk.
    texts = [
        (random(HEADS, 10), random(SHARED, 10), random(SHARED, 10), TextCache(10)) for _ in range(2)
    ]
    at = 0
    for size in sizes:
        place = slice(at, at + size)
        query, key, value = (
            torch.cat([text[n][:, :, place] for text in texts], dim=2)  # type: ignore[index]
            for n in range(3)
        )
        spans = [Span(text[3], n * size, (n + 1) * size) for n, text in enumerate(texts)]
        found, _ = packed_attention(
            Layer(),
            query,
            key,
            value,
            None,
            packed=spans,
            scaling=WIDTH**-0.5,
            sliding_window=window,
            softcap=softcap,
        )
        at += size
        for n, (q, k, v, cache) in enumerate(texts):
            cache.length = at
            expected = reference(q[:, :, place], k[:, :, :at], v[:, :, :at], window, softcap)
            got = found[0, n * size : (n + 1) * size].transpose(0, 1)
            torch.testing.assert_close(got, expected, atol=1e-5, rtol=1e-4)


def test_sinks_take_their_share() -> None:
    torch.manual_seed(0)
    query, key, value = random(HEADS, 3), random(HEADS, 3), torch.ones(1, HEADS, 3, WIDTH)
    spans = [Span(TextCache(3), 0, 3)]
    sinks = torch.full((HEADS,), 50.0)
    found, _ = packed_attention(
        Layer(), query, key, value, None, packed=spans, s_aux=sinks, scaling=0.1
    )
    assert float(found.abs().max()) < 1e-6
