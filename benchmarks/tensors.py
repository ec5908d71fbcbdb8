"""MB/s of 4 MB tensors in and small answers out: KServe V2's binary form, gateway and replica.

``python -m benchmarks.tensors`` exports a model that sums 1048576 FP32 numbers, starts a fleet
that serves it, and sends to the gateway and straight to the replica in turn. CPU is from the
kernel's own accounting; the load client's, which is on the same cores, is not counted.
"""

import argparse
import hashlib
import json
import statistics
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import httpx
import numpy as np
import torch
from msgspec.structs import replace

from benchmarks.fleet import Fleet, cpu_of, load, start_fleet
from fleetserve.clock import SystemClock
from fleetserve.manifest import Manifest, ManifestFile, publish_manifest, revision_dir
from fleetserve.tasks import INFERENCE_SERVICE, Task
from fleetserve.tokens import TOKEN_HEADER, TokenSigner

WIDTH = 1 << 20
MODEL, REVISION = "sums", "1"
CONNECTIONS = 4


class Sums(torch.nn.Module):
    """Of each row."""

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        return rows.sum(dim=1)


def publish(models_dir: Path) -> None:
    """The model as the registry's worker leaves it."""
    manifest = Manifest(
        name=MODEL,
        source="local",
        model_id="benchmarks/sums",
        revision=REVISION,
        task=Task.TENSOR,
        files=(),
        size_bytes=0,
        created_at=0.0,
        input_rank=1,
    )
    folder = revision_dir(models_dir, manifest)
    folder.mkdir(parents=True)
    batch = {0: torch.export.Dim("batch")}
    program = torch.export.export(Sums(), (torch.zeros(2, WIDTH),), dynamic_shapes=(batch,))
    torch.export.save(program, str(folder / "sums.pt2"))
    content = (folder / "sums.pt2").read_bytes()
    file = ManifestFile("sums.pt2", len(content), hashlib.sha256(content).hexdigest())
    publish_manifest(models_dir, replace(manifest, files=(file,), size_bytes=len(content)))


def write_request(path: Path) -> int:
    """One row of random numbers, and how long the JSON before them is."""
    row = np.random.default_rng(7).random((1, WIDTH), dtype=np.float32)
    tensor = {
        "name": "rows",
        "datatype": "FP32",
        "shape": list(row.shape),
        "parameters": {"binary_data_size": row.nbytes},
    }
    head = json.dumps({"inputs": [tensor]}).encode()
    path.write_bytes(head + row.tobytes())
    return len(head)


class Round:
    """Figures of one way to the model."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.rates: list[float] = []
        self.cpu_ms: dict[str, list[float]] = {}

    def add(self, told: Mapping[str, float], spent: Mapping[str, float], megabytes: float) -> None:
        self.rates.append(told["rps"] * megabytes)
        for process, seconds in spent.items():
            cost_ms = seconds * 1000 / (told["requests"] * megabytes)
            self.cpu_ms.setdefault(process, []).append(cost_ms)


def ways(fleet: Fleet, home: Path, head_length: int) -> dict[str, tuple[str, dict[str, str]]]:
    """Where to send it, and with what headers; the replica wants what a gateway says."""
    length = {"Inference-Header-Content-Length": str(head_length)}
    services = httpx.get(f"{fleet.url}/info").json()["services"]
    replica = next(s["addresses"][0] for s in services if s["name"] == INFERENCE_SERVICE)
    token = TokenSigner(home / "secrets", "gateway", SystemClock()).token_for(INFERENCE_SERVICE)
    return {
        "through the gateway": (f"{fleet.url}/v2/models/{MODEL}/infer", length),
        "the replica alone": (
            f"{replica}/v2/infer",
            length | {TOKEN_HEADER: token, "X-Fleet-Model": MODEL},
        ),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4.0)
    args = parser.parse_args()
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="fleetserve-bench-")))
        publish(home / "models")
        body = home / "request.bin"
        head_length = write_request(body)
        megabytes = body.stat().st_size / 1e6
        fleet = start_fleet(stack, home)
        rounds = {name: Round(name) for name in ways(fleet, home, head_length)}
        for number in range(args.rounds + 1):
            for name, (url, headers) in ways(fleet, home, head_length).items():
                seconds = args.seconds if number else 1.0
                before = cpu_of(fleet.pids)
                told = load(url, CONNECTIONS, seconds, body=body, headers=headers)
                spent = {p: s - before[p] for p, s in cpu_of(fleet.pids).items()}
                if number:  # The first is for warming up.
                    rounds[name].add(told, spent, megabytes)
    report(list(rounds.values()), megabytes)


def report(rounds: Sequence[Round], megabytes: float) -> None:
    count = len(rounds[0].rates)
    print(f"{CONNECTIONS} connections, {megabytes:.2f} MB FP32 in, medians of {count} rounds\n")
    print(f"{'':24}{'MB/s':>8}{'min':>8}{'max':>8}{'gateway':>12}{'replica':>12}  ms CPU per MB")
    for one in rounds:
        told = [statistics.median(one.cpu_ms[p]) for p in ("gateway", "replica")]
        low, high = min(one.rates), max(one.rates)
        print(
            f"{one.name:24}{statistics.median(one.rates):8.0f}{low:8.0f}{high:8.0f}"
            f"{told[0]:12.2f}{told[1]:12.2f}"
        )


if __name__ == "__main__":
    main()
