import numpy as np
import pytest

from audio_svc.delivery import deliver, soften_edges
from audio_svc.manner import Manner
from audio_svc.sentences import Breath
from tests.unit.audio_svc.requests import tone

RATE_HZ = 16000


def test_breath_alone_that_asks_for_nothing_is_untouched() -> None:
    samples = tone()
    assert deliver(samples, RATE_HZ, Breath("x", 0.0), joined=False) is samples


def test_manner_changes_speed_and_volume_and_the_lead_is_silent() -> None:
    breath = Breath("x", 0.0, Manner(speed=0.5, volume=0.5), lead_s=0.25)
    made = deliver(tone(1.0), RATE_HZ, breath, joined=False)
    assert len(made) == 2.25 * RATE_HZ
    assert not made[: RATE_HZ // 4].any()
    assert abs(np.abs(made[RATE_HZ : 2 * RATE_HZ]).max() - 0.25) < 0.03


@pytest.mark.parametrize("seed", range(5))
def test_joints_have_no_click_where_samples_put_side_by_side_would(seed: int) -> None:
    rng = np.random.default_rng(seed)
    waves = [np.roll(tone(0.3), int(rng.integers(80))) for _ in range(6)]
    breath = Breath("x", 0.1)
    made = np.concatenate(
        [
            part
            for wave in waves
            for part in (deliver(wave, RATE_HZ, breath, joined=True), np.zeros(1600, np.float32))
        ]
    )
    steepest = np.abs(np.diff(waves[0][1:-1])).max()
    assert np.abs(np.diff(made)).max() <= 1.05 * steepest
    plain = np.concatenate([x for wave in waves for x in (wave, np.zeros(1600, np.float32))])
    assert np.abs(np.diff(plain)).max() > 2 * steepest


@pytest.mark.parametrize("count", [0, 1, 3, 50])
def test_shortest_sounds_pass(count: int) -> None:
    assert len(soften_edges(np.ones(count, np.float32), RATE_HZ)) == count
