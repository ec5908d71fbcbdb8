"""The table of a comparison, and its plot of latency against rate."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

from benchmarks.peers.environments import environment

Figures = Mapping[str, float]
COLUMNS = (
    ("W1 rps", "sum.32.rps", 0),
    ("W1 µs CPU", "sum.32.cpu_us", 0),
    ("own", "sum.32.core_us", 0),
    ("W2 rps 32", "embed.32.rps", 0),
    ("of limit", "embed.32.share", 2),
    ("rps 64", "embed.64.rps", 0),
    ("of limit", "embed.64.share", 2),
    ("p50 at 1", "embed.1.p50_ms", 1),
    ("over bare", "embed.1.over_ms", 1),
    ("p99 at 32", "embed.32.p99_ms", 0),
    ("ms CPU", "embed.32.cpu_ms", 1),
    ("70 % p50", "embed.open70%.p50_ms", 0),
    ("p99", "embed.open70%.p99_ms", 0),
    ("4 MB, MB/s", "tensor.4.mb_s", 0),
    ("mix W1 rps", "mixed.sum.rps", 0),
    ("p99", "mixed.sum.p99_ms", 0),
    ("mix W2 rps", "mixed.embed.rps", 0),
    ("idle MiB", "idle.pss_mib", 0),
    ("own", "idle.core_pss_mib", 0),
    ("idle %", "idle.cpu_percent", 1),
    ("own", "idle.core_percent", 1),
    ("ready s", "embed.ready_s", 1),
    ("cosine", "embed.cosine", 5),
)
TENSOR_MB = (4 << 20) / 1e6


def table(medians: Mapping[str, Figures]) -> str:
    """One row a server; W1 adds five numbers, W2 embeds a text, at so many connections.

    In the mix both are asked for at once.
    """
    limit = medians.get("limit", {})
    width = max(map(len, medians)) + 2
    lines = [" " * width + "".join(f"{title:>11}" for title, _, _ in COLUMNS)]
    for name, figures in medians.items():
        if name != "limit":
            full = {**figures, **_derived(figures, limit)}
            cells = [_cell(full.get(key), digits) for _, key, digits in COLUMNS]
            lines.append(f"{name:{width}}" + "".join(f"{cell:>11}" for cell in cells))
    if limit:
        lines.append(
            f"\nLimits, one thread: {limit['embed.sorted_rps']:.0f} texts/s sorted by length in"
            f" batches of 32, {limit['embed.single_rps']:.0f}/s one by one"
            f" ({limit['embed.single_ms']:.1f} ms each)"
        )
    return "\n".join(lines)


def _derived(figures: Figures, limit: Figures) -> dict[str, float]:
    found = {}
    if "embed.32.rps" in figures and limit:
        for connections in (32, 64):
            share = figures[f"embed.{connections}.rps"] / limit["embed.sorted_rps"]
            found[f"embed.{connections}.share"] = share
        found["embed.32.cpu_ms"] = figures["embed.32.cpu_us"] / 1000
    if "tensor.4.rps" in figures:
        found["tensor.4.mb_s"] = figures["tensor.4.rps"] * TENSOR_MB
    return found


def _cell(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def plot(folder: Path) -> str:
    """Where the picture of p99 against rate lies, drawn from peers.json in the folder."""
    python = environment("plot") / "bin" / "python"
    script = Path(__file__).parent / "servers" / "plot.py"
    subprocess.run([str(python), str(script), str(folder)], check=True)
    return str(folder / "peers.png")
