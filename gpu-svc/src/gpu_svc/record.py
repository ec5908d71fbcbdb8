"""``python -m gpu_svc.record``: print this machine's NVML answers, for recordings/."""

import platform
import sys
from datetime import UTC, datetime

import pynvml

from gpu_svc.probe.nvml import NvmlProbe


def main() -> None:
    probe = NvmlProbe()
    try:
        reading = probe.read()
    except pynvml.NVMLError as error:
        sys.exit(f"NVML: {error}")
    finally:
        probe.close()
    source = f"read by NVML on {platform.system()}, {datetime.now(UTC):%Y-%m-%d}"
    dated = reading.model_copy(update={"source": source})
    sys.stdout.write(dated.model_dump_json(by_alias=True, exclude_none=True, indent=2) + "\n")


if __name__ == "__main__":
    main()
