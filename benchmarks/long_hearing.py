"""How much memory a recording takes while it is heard: 10 minutes beside 3 hours.

    make bench BENCH=long_hearing
    make bench BENCH=long_hearing ARGS='--model whisper_tiny --format mp3 --hours 1'

A fleet of its own; espeak-ng's speech, again and again, as a form on /transcribe: the synchronous
route, then a job. Of the audio replica's PSS the most is told, looked at each 0.1 s, above what it
was when the model was loaded and had heard a minute.
"""

import argparse
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import numpy as np
import soundfile

from audio_svc.audio.decoding import decode, resample
from benchmarks.processes import Server, children, command_line, free_port, pss_mib
from fleetserve.clock import SystemClock
from tests.checkpoints.recordings import SENTENCES, record

RATE_HZ = 16000
SHORT_S = 600
LOOK_S = 0.1
PATIENCE_S = 3600.0
CLOCK = SystemClock()


def write(path: Path, seconds: float, kind: str) -> None:
    """A minute of speech, repeated; an eighth of it are pauses."""
    said = [decode(record(text), field="file", max_seconds=60) for text in SENTENCES]
    pause = np.zeros(RATE_HZ // 2, np.float32)
    parts = [part for one in said for part in (resample(one.samples, one.rate_hz, RATE_HZ), pause)]
    second = np.resize(np.concatenate(parts), 60 * RATE_HZ).reshape(60, RATE_HZ)
    with soundfile.SoundFile(path, "w", RATE_HZ, 1, format=kind.upper()) as file:
        for place in range(round(seconds)):
            file.write(second[place % 60])


class Watch(threading.Thread):
    """The most PSS of a process, until it is stopped."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._pid = pid
        self._over = threading.Event()
        self.most_mib = 0.0

    def run(self) -> None:
        while not self._over.wait(LOOK_S):
            self.most_mib = max(self.most_mib, pss_mib([self._pid]))

    def stop(self) -> float:
        self._over.set()
        self.join()
        return self.most_mib


@contextmanager
def fleet(home: Path, hours: float) -> Iterator[tuple[httpx.Client, int]]:
    """A client of the gateway, and the audio replica's pid."""
    port = free_port()
    command = ["env", f"PORT={port}", f"FLEETSERVE_HOME={home}", "MAX_FILE_MB=500"]
    command += [f"MAX_AUDIO_SECONDS={round(hours * 3600) + 60}"]
    command += [sys.executable, "-m", "fleetserve.cli", "up"]
    url = f"http://127.0.0.1:{port}"
    with Server(command, f"{url}/v2/health/ready") as server:
        pid = next(one for one in children(server.pid) if "-m audio_svc" in command_line(one))
        with httpx.Client(base_url=url, timeout=PATIENCE_S) as client:
            yield client, pid


def post(client: httpx.Client, model: str, path: Path, *, as_job: bool) -> str:
    """The text."""
    headers = {"Prefer": "respond-async"} if as_job else {}
    fields = {"model_name": model, "timeout": str(int(PATIENCE_S))}
    with path.open("rb") as file:
        told = client.post("/transcribe", data=fields, files={"file": file}, headers=headers)
    told.raise_for_status()
    if not as_job:
        return str(told.json()["text"])
    place = told.headers["location"]
    with client.stream("GET", f"{place}/events") as events:
        for _line in events.iter_lines():
            pass
    job = client.get(place).json()
    if job["status"] != "succeeded":
        raise RuntimeError(f"the job {job['status']}: {job}")
    return str(job["result"]["text"])


def measure(client: httpx.Client, pid: int, model: str, path: Path, *, as_job: bool) -> None:
    before_mib = pss_mib([pid])
    begin_s = CLOCK.monotonic_s()
    watch = Watch(pid)
    watch.start()
    text = post(client, model, path, as_job=as_job)
    most_mib = watch.stop()
    sys.stdout.write(
        f"{path.stem:>8} {'job' if as_job else 'request':>8} {path.stat().st_size / 2**20:9.1f} "
        f"{before_mib:9.1f} {most_mib - before_mib:9.1f} {CLOCK.monotonic_s() - begin_s:9.1f} "
        f"{len(text.split()):8}\n"
    )
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", default="tiny_stt")
    parser.add_argument("--format", default="wav")
    parser.add_argument("--hours", type=float, default=3.0)
    wanted = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        lengths = {"warm": 60.0, "short": SHORT_S, "long": wanted.hours * 3600}
        for name, seconds in lengths.items():
            write(folder / f"{name}.{wanted.format}", seconds, wanted.format)
        client, pid = stack.enter_context(fleet(folder / "home", wanted.hours))
        post(client, wanted.model, folder / f"warm.{wanted.format}", as_job=False)
        heads = ("length", "as", "file MiB", "PSS MiB", "growth", "seconds", "words")
        widths = (8, 8, 9, 9, 9, 9, 8)
        line = " ".join(f"{head:>{width}}" for head, width in zip(heads, widths, strict=True))
        sys.stdout.write(f"{line}\n")
        for name in ("short", "long"):
            for as_job in (False, True):
                path = folder / f"{name}.{wanted.format}"
                measure(client, pid, wanted.model, path, as_job=as_job)


if __name__ == "__main__":
    main()
