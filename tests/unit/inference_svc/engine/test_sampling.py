import torch

from inference_svc.engine.sampling import GumbelNoise


def test_tokens_are_drawn_as_often_as_their_scores_say() -> None:
    noise = GumbelNoise([7])
    shares = torch.tensor([0.6, 0.3, 0.1])
    counts = torch.zeros(3)
    for _ in range(4000):
        counts[noise(None, shares.log()[None]).argmax()] += 1
    assert torch.allclose(counts / 4000, shares, atol=0.03)


def test_each_row_has_its_own_seed() -> None:
    scores = torch.zeros(3, 50)
    noise = GumbelNoise([1, 2, 1])(None, scores)
    assert torch.equal(noise[0], noise[2])
    assert not torch.equal(noise[0], noise[1])
    torch.rand(9)
    assert torch.equal(GumbelNoise([2])(None, scores[:1])[0], noise[1])


def test_what_can_not_be_stays_so() -> None:
    scores = torch.tensor([[0.0, float("-inf")]])
    assert all(GumbelNoise([seed])(None, scores).argmax() == 0 for seed in range(50))


def test_without_a_seed_every_draw_is_another() -> None:
    scores = torch.zeros(1, 50)
    assert not torch.equal(GumbelNoise([None])(None, scores), GumbelNoise([None])(None, scores))
