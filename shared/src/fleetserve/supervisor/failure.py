"""Why a service did not start, so that a person can mend it."""

import re
import signal
from pathlib import Path

import msgspec

from fleetserve.supervisor.console import shown_path
from fleetserve.supervisor.process import ManagedProcess
from fleetserve.supervisor.specs import ProcessView

TAIL_LINES = 15
LOG_TAIL_BYTES = 64 * 1024
GRAVE = ("error", "critical")
MISSING_MODULE = re.compile(r"ModuleNotFoundError: No module named '([\w.]+)'")


class _LogLine(msgspec.Struct):
    event: str = ""
    level: str = ""
    replica: str = ""
    exception: str = ""
    error: str = ""


_decode_line = msgspec.json.Decoder(_LogLine).decode


def exit_text(code: int) -> str:
    """An exit status in words."""
    if code > 128:
        with_name = code - 128
        names = {member.value: member.name for member in signal.Signals}
        return f"killed by {names.get(with_name, f'signal {with_name}')}"
    return f"exit status {code}"


def explain_failure(process: ManagedProcess, logs_dir: Path) -> str:
    """A block of text: which service, how it ended, its last lines, what to do."""
    view = process.view()
    lines = process.output.tail(TAIL_LINES) or _logged_errors(logs_dir, view)
    ended = f"it ended with {exit_text(view.exit_code or 0)}"
    if view.exit_code is None:
        ended = f"it did not become ready in time: {process.problem}"
    head = f"{view.service} did not start: {ended}."
    said = [f"    {line}" for line in lines] or ["    (it printed nothing)"]
    advice = _advice(view, "\n".join(lines))
    return "\n".join([head, "", *said, "", advice, *_files(logs_dir, view)])


def _files(logs_dir: Path, view: ProcessView) -> list[str]:
    """Where there is more to read, if there is."""
    paths = [logs_dir / f"{view.service}.out", logs_dir / f"{view.replica_id}.jsonl"]
    shown = [shown_path(path) for path in paths if path.exists()]
    return [f"More in {' and '.join(shown)}."] if shown else []


def _advice(view: ProcessView, text: str) -> str:
    missing = MISSING_MODULE.search(text)
    if missing is not None:
        return (
            f"The Python package of {missing[1]!r} is not installed in this environment; "
            "`make run` installs everything the fleet needs."
        )
    if "address already in use" in text.lower():
        return "Something has taken its port meanwhile; run it again, or with another PORT."
    if view.exit_code == 128 + signal.SIGKILL:
        return "Nobody but the system kills like that: the machine may be out of memory."
    if view.exit_code is None:
        return "A slow machine may need longer: FLEETSERVE_START_TIMEOUT_S=300 make run"
    return "Its last lines say what is wrong; mend that and run it again."


def _logged_errors(logs_dir: Path, view: ProcessView) -> list[str]:
    """The last errors of its structured log, for a process that printed nothing."""
    path = logs_dir / f"{view.replica_id}.jsonl"
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - LOG_TAIL_BYTES))
            raw = file.read()
    except OSError:
        return []
    errors: list[str] = []
    for line in raw.splitlines():
        try:
            entry = _decode_line(line)
        except msgspec.DecodeError:
            continue
        if entry.level in GRAVE and entry.replica == view.replica_id:
            errors += [f"{entry.event} {entry.error}".strip(), *entry.exception.splitlines()]
    return errors[-TAIL_LINES:]
