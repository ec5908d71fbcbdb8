"""English-like texts of 5 to 40 words, made from the words of MiniLM's own vocabulary."""

import random
from pathlib import Path

SEED = 11
SHORTEST, LONGEST = 5, 40
SPECIAL = 1996  # The vocabulary's first rows are signs and unused places.


def texts(minilm: Path, number: int) -> list[str]:
    """The same texts each time, lengths uniform and in random order."""
    rows = (minilm / "vocab.txt").read_text().splitlines()[SPECIAL:8000]
    words = [row for row in rows if row.isalpha() and len(row) > 1]
    order = random.Random(SEED)
    return [
        " ".join(order.choices(words, k=order.randint(SHORTEST, LONGEST))).capitalize() + "."
        for _ in range(number)
    ]
