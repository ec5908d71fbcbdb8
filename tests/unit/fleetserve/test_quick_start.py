import json
import signal
import subprocess
import sys
from typing import Any

LOOK = """
import json, sys
import {first}, structlog
had = "rich" in sys.modules
import rich.console, gc
from fleetserve.garbage import settle
before = gc.isenabled()
settle()
print(json.dumps([had, before, gc.isenabled(), gc.get_freeze_count() > 0]))
"""


def look(first: str) -> Any:
    code = LOOK.format(first=first)
    made = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return json.loads(made.stdout)


def test_rich_is_left_out_and_can_be_had_later() -> None:
    assert look("fleetserve.quick_start")[0] is False
    assert look("fleetserve")[0] is True


def test_garbage_is_looked_for_once_the_process_is_built() -> None:
    assert look("fleetserve.quick_start")[1:] == [False, True, True]


def test_crash_in_native_code_says_where() -> None:
    code = "import ctypes, fleetserve.quick_start\nctypes.string_at(0)\n"
    crashed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert crashed.returncode == -signal.SIGSEGV
    assert "string_at" in crashed.stderr
