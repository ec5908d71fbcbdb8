"""One server's turn in a round: started, asked by each workload, ended."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from operator import mul
from pathlib import Path

import httpx

from benchmarks.peers.setups import EMBED, ONE_THREAD, SUM, TENSOR, Running, Setup
from benchmarks.processes import pss_mib, tree, tree_cpu_s
from tests.hub.minilm import minilm_folder

Figures = dict[str, float]
# The sum and the embedding are asked for at the same time, 16 connections each.
MIXED, MIXED_PARTS = "mixed", (SUM, EMBED)
LOAD_TIMES = (0.2, 0.5, 0.7, 0.9)
WARM_S = 1.5
# Ray takes 15 % of a core for nothing.
SETTLE_S, LOOK_S, QUIET_SHARE = 30.0, 1.0, 0.25
# Between the last request and what is called idle.
REST_S = 12.0
# CPU time is counted in hundredths of a second.
IDLE_S = 10.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What a turn measures.

    Attributes:
        texts: Each is one request for an embedding.
        written: The same in a file, one a line.
        reference: The first texts' vectors as the library itself gives them.
        folder: For the bodies that the load client reads.
        seconds: Of each load.
    """

    texts: Sequence[str]
    written: Path
    reference: Sequence[Sequence[float]]
    folder: Path
    seconds: float


class Turn:
    """Measures one setup; figures are named ``workload.what``."""

    def __init__(self, setup: Setup, plan: Plan) -> None:
        self._setup = setup
        self._plan = plan
        self.figures: Figures = {}

    def run(self, workloads: Sequence[str]) -> Figures:
        for workload in workloads:
            parts = MIXED_PARTS if workload == MIXED else (workload,)
            if set(parts) <= set(self._setup.serves):
                try:
                    with self._setup.running(*parts) as running:
                        for part in parts:
                            self._until_ready(running, part)
                        settle(running)
                        self._workload(running, workload)
                except (RuntimeError, TimeoutError, httpx.HTTPError) as exc:
                    # One that fails has an empty cell; the others' figures are not lost.
                    print(f"{self._setup.name}: {exc!r}", file=sys.stderr, flush=True)
        return self.figures

    def _until_ready(self, running: Running, workload: str) -> None:
        """A server that answers to one workload may still be starting another.

        Raises: RuntimeError: it does not come.
        """
        end_s = time.monotonic() + SETTLE_S
        while time.monotonic() < end_s:
            body, headers = self._setup.body(workload, "Ready?"), self._setup.headers(workload)
            url = running.base + self._setup.path(workload)
            if httpx.post(url, content=body, headers=headers, timeout=SETTLE_S).is_success:
                return
            time.sleep(0.2)
        raise RuntimeError(f"{self._setup.name} does not serve {workload}")

    def _workload(self, running: Running, workload: str) -> None:
        if workload == MIXED:
            self._mixed(running)
            return
        self._load(running, workload, 16, seconds=WARM_S)
        if workload == SUM:
            self._closed(running, SUM, 32)
        elif workload == TENSOR:
            self._closed(running, TENSOR, 4)
        else:
            self.figures["embed.ready_s"] = running.ready_s
            self._check(running)
            self._closed(running, EMBED, 1)
            # At once after it: the same machine is half as fast again a minute later.
            bare = limits(self._plan.written, self._plan.seconds, "--alone")["embed.single_ms"]
            self.figures["embed.1.over_ms"] = self.figures["embed.1.p50_ms"] - bare
            for connections in (32, 64):
                self._closed(running, EMBED, connections)
            self._open(running)
            self._idle(running)

    def _closed(self, running: Running, workload: str, connections: int) -> None:
        before_s = tree_cpu_s(running.pid)
        core_s = _core_s(running)
        told = self._load(running, workload, connections)
        name, number = f"{workload}.{connections}", told["requests"]
        self.figures |= {f"{name}.{key}": told[key] for key in ("rps", "p50_ms", "p99_ms")}
        self.figures[f"{name}.cpu_us"] = (tree_cpu_s(running.pid) - before_s) / number * 1e6
        if running.core:
            self.figures[f"{name}.core_us"] = (_core_s(running) - core_s) / number * 1e6

    def _mixed(self, running: Running) -> None:
        """Both models at once: what the cheap one suffers from the dear one, and the other way."""
        before_s = tree_cpu_s(running.pid)
        with ThreadPoolExecutor(len(MIXED_PARTS)) as pool:
            told = list(pool.map(lambda part: self._load(running, part, 16), MIXED_PARTS))
        for part, figures in zip(MIXED_PARTS, told, strict=True):
            for key in ("rps", "p50_ms", "p99_ms"):
                self.figures[f"{MIXED}.{part}.{key}"] = figures[key]
        self.figures[f"{MIXED}.cpu_s"] = tree_cpu_s(running.pid) - before_s

    def _open(self, running: Running) -> None:
        """Latency against rate, as parts of what 32 connections reached."""
        for part in LOAD_TIMES:
            rate = self.figures["embed.32.rps"] * part
            told = self._load(running, EMBED, 64, rate=rate)
            for key in ("p50_ms", "p99_ms"):
                self.figures[f"embed.open{part:.0%}.{key}"] = told[key]
            self.figures[f"embed.open{part:.0%}.rate"] = rate

    def _idle(self, running: Running) -> None:
        time.sleep(REST_S)
        before_s, begin_s = tree_cpu_s(running.pid), time.perf_counter()
        core_s = _core_s(running)
        time.sleep(IDLE_S)
        past_s = time.perf_counter() - begin_s
        self.figures["idle.cpu_percent"] = (tree_cpu_s(running.pid) - before_s) / past_s * 100
        self.figures["idle.pss_mib"] = pss_mib(tree(running.pid))
        if running.core:
            self.figures["idle.core_percent"] = (_core_s(running) - core_s) / past_s * 100
            self.figures["idle.core_pss_mib"] = pss_mib(running.core)

    def _check(self, running: Running) -> None:
        """The smallest cosine between its vectors and the library's."""
        url = running.base + self._setup.path(EMBED)
        cosines = []
        headers = self._setup.headers(EMBED)
        for text, wanted in zip(self._plan.texts, self._plan.reference, strict=False):
            body = self._setup.body(EMBED, text)
            answer = httpx.post(url, content=body, headers=headers, timeout=30)
            answer.raise_for_status()
            cosines.append(sum(map(mul, self._setup.vector(answer.json()), wanted)))
        self.figures["embed.cosine"] = min(cosines)

    def _load(
        self,
        running: Running,
        workload: str,
        connections: int,
        *,
        seconds: float | None = None,
        rate: float = 0.0,
    ) -> Figures:
        """Raises: RuntimeError: a request failed."""
        bodies = self._bodies(workload)
        command = [
            sys.executable,
            "-m",
            "benchmarks.load",
            running.base + self._setup.path(workload),
        ]
        command += ["--bodies", str(bodies), "--connections", str(connections)]
        command += ["--seconds", str(seconds or self._plan.seconds), "--rate", str(rate)]
        command += ["--headers", json.dumps(self._setup.headers(workload))]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
        told: dict[str, float] = json.loads(done.stdout)
        if told["failures"]:
            raise RuntimeError(f"{self._setup.name}, {workload}: failed: {told['failures']}")
        return told

    def _bodies(self, workload: str) -> Path:
        """The file of all bodies of a workload, in this server's own form."""
        ending = "bin" if workload == TENSOR else "jsonl"
        path = self._plan.folder / f"{self._setup.name}-{workload}.{ending}"
        if not path.exists():
            texts = self._plan.texts if workload == EMBED else [""]
            path.write_bytes(b"\n".join(self._setup.body(workload, text) for text in texts))
        return path


def settle(running: Running) -> None:
    """Waits until a server that has answered does nothing else for its start any more."""
    end_s = time.monotonic() + SETTLE_S
    while time.monotonic() < end_s:
        before_s = tree_cpu_s(running.pid)
        time.sleep(LOOK_S)
        if tree_cpu_s(running.pid) - before_s < QUIET_SHARE * LOOK_S:
            return


def limits(texts: Path, seconds: float, *options: str) -> Figures:
    """The bare model on one thread; ``options``: of benchmarks.peers.limits."""
    command = [sys.executable, "-m", "benchmarks.peers.limits", str(texts)]
    command += ["--seconds", str(seconds), *options]
    variables = {"PATH": os.defpath, "MINILM": str(minilm_folder()), **ONE_THREAD}
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, env=variables)
    told: Figures = json.loads(done.stdout)
    return {f"embed.{key}": value for key, value in told.items()}


def _core_s(running: Running) -> float:
    return sum(tree_cpu_s(pid) for pid in running.core)
