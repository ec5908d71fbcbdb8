"""Measurements; each module runs by itself, ``python -m benchmarks.NAME``."""

import os

# As the services set it for themselves.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # noqa: TID251 - before numpy is imported
