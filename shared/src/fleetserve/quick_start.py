"""Imported first by a service or worker: the rest is imported in less time and memory.

Left out are the search for garbage in what an import makes, nearly all of which stays (a tenth of
the time a start takes; ``garbage.settle`` takes it up again), and rich, which structlog imports
wherever it is installed, for tracebacks in colours (70 ms and 5 MiB).

From here on a crash in native code says on stderr where every thread was.
"""

import faulthandler
import gc
import sys

faulthandler.enable()
gc.disable()

if "rich" not in sys.modules:
    sys.modules["rich"] = None  # type: ignore[assignment]  # Python's word for: not to be had.
    import structlog  # noqa: F401

    del sys.modules["rich"]
