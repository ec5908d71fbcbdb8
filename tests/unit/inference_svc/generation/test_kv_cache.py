import torch

from inference_svc.generation.kv_cache import TextCache


def test_what_is_appended_stands_behind_what_was_there() -> None:
    cache = TextCache(4)
    first, second = torch.randn(2, 3, 5), torch.randn(2, 1, 5)
    cache.append(0, first, -first)
    cache.length = 3
    keys, values = cache.append(0, second, -second)
    assert torch.equal(keys, torch.cat([first, second], dim=1))
    assert torch.equal(values, -keys)


def test_a_step_that_failed_is_written_over() -> None:
    cache = TextCache(4)
    cache.append(0, torch.ones(1, 2, 3), torch.ones(1, 2, 3))
    keys, _ = cache.append(0, torch.zeros(1, 1, 3), torch.zeros(1, 1, 3))
    assert keys.shape == (1, 1, 3)
    assert not keys.any()


def test_its_size_is_that_of_its_layers() -> None:
    cache = TextCache(10)
    assert cache.bytes == 0
    for layer in range(3):
        cache.append(layer, torch.ones(2, 1, 8), torch.ones(2, 1, 4))
    assert cache.bytes == 3 * 10 * 2 * (8 + 4) * 4
