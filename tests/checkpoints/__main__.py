"""``python -m tests.checkpoints DIR`` fills DIR for the hub server of the tests."""

import sys
from pathlib import Path


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit("usage: python -m tests.checkpoints DIR")
    # torch and transformers take seconds to import.
    from tests.checkpoints.hub_root import write_hub_root

    write_hub_root(Path(sys.argv[1]))


if __name__ == "__main__":
    main()
