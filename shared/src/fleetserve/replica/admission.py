"""The bounds of a replica: what it has accepted and not answered, in requests and in bytes."""

from fleetserve.errors import ShedError


class Admission:
    """Counts what is in flight and refuses what goes over; event loop only.

    Args:
        max_requests: Requests accepted and unanswered.
        max_bytes: Bytes of their bodies. An empty replica takes one of any size: the limit of
            a single body is another one, and refusing it here would refuse it for ever.
    """

    __slots__ = ("bytes", "max_bytes", "max_requests", "requests", "shed")

    def __init__(self, max_requests: int, max_bytes: int) -> None:
        self.max_requests = max_requests
        self.max_bytes = max_bytes
        self.requests = 0
        self.bytes = 0
        self.shed = 0

    def enter(self) -> None:
        """Takes a request in, before its body is read.

        Raises: ShedError: the queue is full; nothing was read or executed.
        """
        if self.requests >= self.max_requests:
            self.shed += 1
            raise ShedError(
                f"This replica has {self.requests} requests in flight, its bound.",
                retry_after_s=1.0,
            )
        self.requests += 1

    def hold(self, size: int) -> None:
        """Counts a body.

        Raises: ShedError: too many bytes wait; the request has to leave() all the same.
        """
        if self.bytes and self.bytes + size > self.max_bytes:
            self.shed += 1
            raise ShedError(
                f"This replica holds {self.bytes} bytes of requests; {size} more are over its "
                f"bound of {self.max_bytes}.",
                retry_after_s=1.0,
            )
        self.bytes += size

    def leave(self, held: int) -> None:
        """Lets a request out, with the bytes that hold() counted for it."""
        self.requests -= 1
        self.bytes -= held
