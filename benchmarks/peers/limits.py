"""What no server can pass: the bare model on one thread.  python -m benchmarks.peers.limits TEXTS

Prints one JSON line: texts per second one by one and in batches sorted by length, and the median
of a single forward pass in ms. A process of its own, so that torch's threads are set for it.
"""

import argparse
import json
import statistics
import time
from pathlib import Path

from benchmarks.peers.servers.models import Embedder

BATCH = 32


def one_by_one(embedder: Embedder, texts: list[str], seconds: float) -> list[float]:
    """Seconds of each pass, for about so long."""
    singles, begin_s = [], time.perf_counter()
    for text in texts:
        start_s = time.perf_counter()
        embedder([text])
        singles.append(time.perf_counter() - start_s)
        if time.perf_counter() - begin_s > seconds:
            break
    return singles


def measure(texts: list[str], seconds: float) -> dict[str, float]:
    embedder = Embedder()
    singles = one_by_one(embedder, texts, seconds)
    ordered = sorted(texts, key=lambda text: len(text.split()))
    batches = [ordered[at : at + BATCH] for at in range(0, len(ordered), BATCH)]
    begin_s = time.perf_counter()
    for batch in batches:
        embedder(batch)
    return {
        "single_ms": statistics.median(singles) * 1000,
        "single_rps": len(singles) / sum(singles),
        "sorted_rps": len(texts) / (time.perf_counter() - begin_s),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("texts", type=Path, help="one text a line")
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--alone", action="store_true", help="the median of single passes only")
    args = parser.parse_args()
    texts = args.texts.read_text().splitlines()
    if args.alone:
        singles = one_by_one(Embedder(), texts, args.seconds)
        print(json.dumps({"single_ms": statistics.median(singles) * 1000}))
    else:
        print(json.dumps(measure(texts, args.seconds)))


if __name__ == "__main__":
    main()
