"""Fleetserve beside its peers, in one run: ``python -m benchmarks.peers`` (make bench BENCH=peers).

Every server gets the same model, the same client, the same cores and one compute thread, each in
its best settings (servers/ names their sources). They take turns, one running at a time, for
several rounds; the table shows medians. Peers are installed into .bench/ on first use.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from benchmarks.peers.environments import ENVIRONMENTS
from benchmarks.peers.report import plot, table
from benchmarks.peers.rounds import MIXED, Figures, Plan, Turn, limits
from benchmarks.peers.setups import EMBED, ONE_THREAD, PEERS, SUM, TENSOR, Fleetserve, Setup
from benchmarks.peers.texts import texts
from tests.hub.minilm import minilm_folder

REFERENCE = 64
TEXTS = 1024
LIMIT = "limit"


def main() -> None:
    args = arguments()
    with tempfile.TemporaryDirectory(prefix="fleetserve-peers-") as name:
        folder = Path(name)
        setups: list[Setup] = [Fleetserve(folder), *PEERS]
        if args.only:
            setups = [setup for setup in setups if setup.name in args.only]
        for setup in setups:
            setup.install()
        written = folder / "texts"
        chosen = texts(minilm_folder(), TEXTS)
        written.write_text("\n".join(chosen))
        plan = Plan(chosen, written, reference(chosen[:REFERENCE]), folder, args.seconds)
        medians = compare(setups, plan, args.workloads, args.rounds)
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "peers.json").write_text(json.dumps(medians, indent=1))
    print(table(medians))
    print(f"\n{plot(args.out)}")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=6.0, help="of each load")
    parser.add_argument("--only", nargs="*", help="these servers alone")
    parser.add_argument("--workloads", nargs="*", default=[SUM, EMBED, TENSOR, MIXED])
    parser.add_argument("--out", type=Path, default=ENVIRONMENTS / "results")
    return parser.parse_args()


def compare(
    setups: Sequence[Setup], plan: Plan, workloads: Sequence[str], rounds: int
) -> dict[str, Figures]:
    """The median of each figure, by server; the limits stand beside them."""
    found: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for number in range(rounds):
        turns = {setup.name: Turn(setup, plan) for setup in setups}
        for name, turn in turns.items():
            print(f"round {number + 1}, {name}", file=sys.stderr, flush=True)
            for key, value in turn.run(workloads).items():
                found[name][key].append(value)
        if EMBED in workloads:
            for key, value in limits(plan.written, plan.seconds).items():
                found[LIMIT][key].append(value)
    return {
        name: {key: statistics.median(values) for key, values in figures.items()}
        for name, figures in found.items()
    }


def reference(chosen: Sequence[str]) -> list[list[float]]:
    """The library's own vectors, each text alone."""
    script = (
        "import json, sys\nfrom benchmarks.peers.servers.models import Embedder\n"
        "embedder = Embedder()\n"
        "print(json.dumps([embedder([t])[0] for t in json.load(sys.stdin)]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        input=json.dumps(list(chosen)).encode(),
        env={"MINILM": str(minilm_folder()), **ONE_THREAD},
        stdout=subprocess.PIPE,
        check=True,
    )
    vectors: list[list[float]] = json.loads(done.stdout)
    return vectors


if __name__ == "__main__":
    main()
