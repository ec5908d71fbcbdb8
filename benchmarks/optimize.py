"""What each candidate of POST /server/optimize does for MiniLM's embeddings.

``python -m benchmarks.optimize`` measures as a replica does: 256 texts of mixed lengths in
batches, one compute thread, float32 and the candidate in turn on each batch, in CPU time. Prints
the table and whether the best one within tolerance reaches 1.6 times float32's throughput.
"""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path

import torch

from fleetserve.clock import SystemClock
from fleetserve.replica.jobs import JobSource
from fleetserve.replica.slot import ComputeSlot
from fleetserve.tunings import Measurement, Tuning
from inference_svc.engine.embeddings import EmbeddingsEngine
from inference_svc.optimization.chains import Bench, read_chains
from inference_svc.optimization.hardware import look_at
from inference_svc.optimization.held_samples import RecentInputs, sample_texts
from inference_svc.optimization.measuring import Limits, Measuring
from inference_svc.optimization.techniques import all_techniques
from inference_svc.optimization.tolerance import Tolerance
from tests.hub.minilm import minilm_folder

WANTED = 1.6


async def measure(candidates: Sequence[str] | None, device: str, cache: Path) -> Tuning:
    clock = SystemClock()
    slot = ComputeSlot("device", clock)
    slot.start()
    engine = EmbeddingsEngine(minilm_folder(), device)
    engine.load()
    bench = Bench(look_at(device), cache, version("torch"))

    def tell(step: str, rows: Sequence[Measurement]) -> None:
        del rows
        print(f"  {step}", file=sys.stderr, flush=True)

    with ThreadPoolExecutor(1) as thread:
        measuring = Measuring(
            engine,
            "feature-extraction",
            "all-MiniLM-L6-v2@benchmark",
            engine.samples(sample_texts(RecentInputs())),
            bench=bench,
            limits=Limits(torch.get_num_threads(), 16_384, 32),
            tolerance=Tolerance(),
            jobs=JobSource("optimize", slot, clock),
            thread=thread,
            clock=clock,
            tell=tell,
            start_tokens=256 if bench.hardware.kind == "cpu" else 8192,
        )
        chains = read_chains(candidates, all_techniques(), bench.hardware.kind)
        tuning = await measuring.decide(chains)
    slot.stop()
    return tuning


def report(tuning: Tuning) -> None:
    print(f"{tuning.hardware}, torch {tuning.torch}, {tuning.samples} texts\n")
    print(f"{'candidate':30}{'ms/input':>10}{'speedup':>9}{'cosine':>10}{'top 10':>9}  ")
    for row in tuning.measurements:
        if row.ms is None:
            print(f"{row.candidate:30}  unavailable: {row.unavailable}")
            continue
        cosine, overlap = (row.measures.get(n) for n in ("min_cosine", "top10_overlap"))
        figures = f"{cosine:10.5f}{overlap:9.4f}" if cosine and overlap else " " * 19
        note = "chosen" if row.chosen else "" if row.within_tolerance else "out of tolerance"
        print(f"{row.candidate:30}{row.ms:10.2f}{row.speedup or 0:9.2f}{figures}  {note}")
    reached = "reaches" if tuning.speedup >= WANTED else "does not reach"
    applied = ", ".join(tuning.applied) or "float32"
    print(f"\n{applied}: {tuning.speedup:.2f} times, {reached} {WANTED}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("candidates", nargs="*", help="such as bf16 bf16+aot; none: the default")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.set_grad_enabled(False)
    with tempfile.TemporaryDirectory(prefix="fleetserve-bench-") as cache:
        report(asyncio.run(measure(args.candidates or None, args.device, Path(cache))))


if __name__ == "__main__":
    main()
