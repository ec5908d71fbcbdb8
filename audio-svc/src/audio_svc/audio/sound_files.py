"""Sound files as they come: bytes in memory, or a spooled file where they are many."""

import io
import mmap
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from fleetserve.spooled_file import SpooledFile

SoundFile = bytes | SpooledFile
Content = bytes | mmap.mmap


def open_file(file: SoundFile, *, head: bytes = b"", skip: int = 0) -> BinaryIO:
    """A reader of its own; ``head`` takes the place of the first ``skip`` bytes."""
    if isinstance(file, SpooledFile):
        return file.open(head=head, skip=skip)
    return io.BytesIO(head + file[skip:] if head or skip else file)


@contextmanager
def content_of(file: SoundFile) -> Iterator[Content]:
    """The bytes, to look at here and there; a spooled file is not read into memory."""
    if isinstance(file, SpooledFile):
        with file.map() as content:
            yield content
    else:
        yield file
