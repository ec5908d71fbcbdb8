from math import log

import pytest
import torch

from audio_svc.transcription.whisper_steps import TokenLog


@pytest.fixture
def pauses() -> list[int]:
    return []


@pytest.fixture
def token_log(pauses: list[int]) -> TokenLog:
    return TokenLog(lambda: pauses.append(1))


def scores(*probabilities: float) -> torch.Tensor:
    return torch.tensor(probabilities).log()


def step(token_log: TokenLog, rows: list[list[int]], *table: torch.Tensor) -> None:
    given = torch.stack(table)
    assert token_log(torch.tensor(rows), given) is given


def test_each_token_pauses_once(token_log: TokenLog, pauses: list[int]) -> None:
    for length in (2, 3, 4):
        step(token_log, [[0] * length], scores(0.5, 0.5))
    assert len(pauses) == 3


def test_probability_of_each_taken_token_is_noted(token_log: TokenLog) -> None:
    step(token_log, [[9, 9]], scores(0.75, 0.25))
    step(token_log, [[9, 9, 1]], scores(0.5, 0.5))
    step(token_log, [[9, 9, 1, 0]], scores(0.5, 0.5))
    assert token_log.mean(0, [1, 0], 0) == pytest.approx((log(0.25) + log(0.5)) / 2)
    assert token_log.mean(0, [1, 0], 1) == pytest.approx(log(0.5))


def test_unnormalised_scores_are_made_to_probabilities(token_log: TokenLog) -> None:
    step(token_log, [[9]], torch.tensor([2.0, 2.0]))
    step(token_log, [[9, 1]], scores(0.5, 0.5))
    assert token_log.mean(0, [1], 0) == pytest.approx(log(0.5))


def test_prefix_that_does_not_grow_begins_a_window(token_log: TokenLog) -> None:
    for probability in (0.25, 0.75):
        step(token_log, [[9, 9]], scores(1 - probability, probability))
        step(token_log, [[9, 9, 1]], scores(0.5, 0.5))
    assert token_log.mean(0, [1], 0) == pytest.approx(log(0.25))
    assert token_log.mean(1, [1], 0) == pytest.approx(log(0.75))


def test_beams_that_change_places_keep_their_probabilities(token_log: TokenLog) -> None:
    step(token_log, [[9], [9]], scores(0.9, 0.1), scores(0.9, 0.1))
    step(token_log, [[9, 0], [9, 1]], scores(0.6, 0.4), scores(0.2, 0.8))
    step(token_log, [[9, 1, 1], [9, 0, 0]], scores(0.5, 0.5), scores(0.5, 0.5))
    assert token_log.mean(0, [1, 1], 0) == pytest.approx((log(0.1) + log(0.8)) / 2)
    assert token_log.mean(0, [0, 0], 0) == pytest.approx((log(0.9) + log(0.6)) / 2)


def test_window_without_tokens_has_a_mean_of_nothing(token_log: TokenLog) -> None:
    step(token_log, [[9]], scores(0.5, 0.5))
    assert token_log.mean(0, [], 0) == 0.0
