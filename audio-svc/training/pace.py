"""How fast a training learns at each step, and when it ends."""

import math
import time
from collections.abc import Iterator

from torch.optim import Optimizer

WARM_UP_STEPS = 100


def paced(optimiser: Optimizer, peak: float, steps: int, minutes: float | None) -> Iterator[int]:
    """The steps from 1; the rate rises to its peak, then falls as half a cosine to nothing.

    minutes: It has fallen, and the steps end, by then at the latest; the result then hangs on how
    fast the machine is. None: on the seed alone.
    """
    started_s = time.monotonic()
    for step in range(1, steps + 1):
        done = step / steps
        if minutes is not None:
            done = max(done, (time.monotonic() - started_s) / (60 * minutes))
        if done > 1:
            return
        rate = peak * min(1.0, step / WARM_UP_STEPS) * (1 + math.cos(math.pi * done)) / 2
        for group in optimiser.param_groups:
            group["lr"] = rate
        yield step
