"""From Tacotron2's attention to how long it says each sign."""

import numpy as np
from numpy.typing import NDArray


def follow_text(attention: NDArray[np.float32]) -> list[int]:
    """How many frames each token is said in, one token after the other; 0: it is passed over.

    Attention looks ahead and back now and then, speech does not: of all ways through the text that
    never go back, this is the one that meets the most attention.

    attention: [frames, tokens].
    """
    met = attention.astype(np.float64)
    for frame in range(1, len(met)):
        met[frame] += np.maximum.accumulate(met[frame - 1])
    counts = [0] * met.shape[1]
    token = met.shape[1] - 1
    for row in met[::-1]:
        token = int(row[: token + 1].argmax())
        counts[token] += 1
    return counts
