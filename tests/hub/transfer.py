"""Sends the bytes of one file, with the faults that meet it."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from aiohttp import web

from tests.hub.content import PIECE_BYTES, flip
from tests.hub.faults import ActiveFault, Fault, FaultKind
from tests.hub.ranges import Selection
from tests.hub.records import RequestRecord
from tests.hub.repo import HubFile

ENDS = {FaultKind.CUT, FaultKind.TRUNCATE, FaultKind.NEW_COMMIT}


@dataclass(slots=True)
class Transfer:
    """One answer's body: [start, end) of a file, and the faults in its way."""

    file: HubFile
    selection: Selection
    faults: list[ActiveFault]
    on_new_commit: Callable[[], object]

    def of_kind(self, *kinds: FaultKind) -> Fault | None:
        return next((a.fault for a in self.faults if a.fault.kind in kinds), None)

    @property
    def declared_length(self) -> int:
        length = self.selection.end - self.selection.start
        if truncated := self.of_kind(FaultKind.TRUNCATE):
            length = truncated.after_bytes
        wrong = self.of_kind(FaultKind.WRONG_LENGTH)
        return max(length + wrong.length_delta, 0) if wrong else length

    @property
    def sent_length(self) -> int:
        """How many bytes really go out."""
        whole = self.selection.end - self.selection.start
        ends = [a.fault.after_bytes for a in self.faults if a.fault.kind in ENDS]
        return min([whole, self.declared_length, *ends])

    async def send(
        self, request: web.Request, response: web.StreamResponse, record: RequestRecord
    ) -> None:
        """Write the body; the connection is closed where less comes than was declared."""
        record.start = self.selection.start
        response.content_length = self.declared_length
        falls_short = self.sent_length < self.declared_length
        if falls_short:
            response.force_close()
        await response.prepare(request)
        await self._write(response, record)
        if self.of_kind(FaultKind.NEW_COMMIT):
            self.on_new_commit()
        if falls_short:
            # close() sends what is buffered first, so that exactly sent_length bytes arrive.
            if request.transport is not None:
                request.transport.close()
            return
        record.complete = True
        await response.write_eof()

    async def _write(self, response: web.StreamResponse, record: RequestRecord) -> None:
        slow = self.of_kind(FaultKind.SLOW)
        stall = next((a for a in self.faults if a.fault.kind is FaultKind.STALL), None)
        loop = asyncio.get_running_loop()
        began = loop.time()
        if slow or stall:
            await response.write(b"")
        for piece in self._pieces(slow, stall):
            if stall and record.bytes_sent == stall.fault.after_bytes:
                await stalled(stall)
            # Counted first: a client that has the last byte may ask for the count at once.
            record.bytes_sent += len(piece)
            record.complete = record.bytes_sent == self.declared_length
            await response.write(piece)
            if slow:
                await asyncio.sleep(began + record.bytes_sent / slow.bytes_per_s - loop.time())

    def _pieces(self, slow: Fault | None, stall: ActiveFault | None) -> Iterator[bytes]:
        # A slow body comes about twenty times a second; a stall falls between two pieces.
        piece_bytes = min(max(slow.bytes_per_s // 20, 1), PIECE_BYTES) if slow else PIECE_BYTES
        stops = [stall.fault.after_bytes] if stall else []
        corrupt = [a.fault.after_bytes for a in self.faults if a.fault.kind is FaultKind.CORRUPT]
        sent = 0
        while sent < self.sent_length:
            until = min([s for s in stops if s > sent] + [self.sent_length])
            offset = self.selection.start + sent
            piece = self.file.content.read(offset, min(piece_bytes, until - sent))
            if not piece:
                return  # The file on disk became shorter; the client sees a body cut short.
            yield flip(piece, [at - offset for at in corrupt])
            sent += len(piece)


async def stalled(active: ActiveFault) -> None:
    """Wait for the fault's seconds or until it is cleared."""
    try:
        await asyncio.wait_for(active.released.wait(), active.fault.seconds)
    except TimeoutError:
        return
