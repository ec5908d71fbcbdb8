"""Where torch's compilers look for torch's own libraries."""

import hashlib
import tempfile
from contextlib import suppress
from pathlib import Path

from torch.utils import cpp_extension


def avoid_spaces() -> None:
    """Has the linker told of torch's libraries by a path without spaces.

    torch quotes the paths of headers, but not this one, so that nothing could be compiled in a
    checkout whose path has a space. The link is in TMPDIR, which settings.py chose for compilers.
    """
    libraries = cpp_extension.TORCH_LIB_PATH
    if " " not in libraries:
        return
    named = hashlib.sha256(libraries.encode()).hexdigest()[:12]
    link = Path(tempfile.gettempdir(), f"torch-libraries-{named}")
    with suppress(FileExistsError):
        link.symlink_to(libraries)
    cpp_extension.TORCH_LIB_PATH = str(link)
