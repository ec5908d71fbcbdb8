"""Draws latency against rate from peers.json, in an environment that has matplotlib."""

import json
import sys
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt


def main() -> None:
    folder = Path(sys.argv[1])
    found = json.loads((folder / "peers.json").read_text())
    figure, axes = plt.subplots(figsize=(9, 5.5))
    for name, figures in found.items():
        points = sorted(
            (figures[key], figures[key.replace("rate", "p99_ms")])
            for key in figures
            if key.startswith("embed.open") and key.endswith(".rate")
        )
        if points:
            width = 2.5 if name == "fleetserve" else 1.2
            axes.plot(*zip(*points, strict=True), marker="o", linewidth=width, label=name)
    axes.set(xlabel="requests per second (open loop)", ylabel="p99 latency, ms", yscale="log")
    axes.grid(visible=True, alpha=0.3)
    axes.legend()
    figure.tight_layout()
    figure.savefig(folder / "peers.png", dpi=110)


if __name__ == "__main__":
    main()
