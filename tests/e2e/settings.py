"""What these tests take from the environment."""

import os

# What Docker and pip are set up with on this machine; nothing else gets in.
NAMES = ("PATH", "HOME", "TMPDIR", "TORCH_INDEX_URL")
PREFIXES = ("DOCKER_", "BUILDKIT_", "BUILDX_", "PIP_")


def engine_environment() -> dict[str, str]:
    return {
        name: value
        for name, value in os.environ.items()
        if name in NAMES or name.startswith(PREFIXES)
    }
