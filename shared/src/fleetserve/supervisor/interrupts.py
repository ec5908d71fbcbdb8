"""Being asked to end: once politely, twice at once."""

import asyncio
import signal

POLITE = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupts:
    """SIGINT, SIGTERM and SIGHUP set ``asked``; a SIGINT after that sets ``insisted``.

    Only Ctrl-C insists: service managers send SIGTERM and SIGHUP together, or repeat them.
    """

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.insisted = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        for number in POLITE:
            self._loop.add_signal_handler(number, self.receive, number)

    def receive(self, number: signal.Signals) -> None:
        if self.asked.is_set() and number == signal.SIGINT:
            self.insisted.set()
        self.asked.set()

    def close(self) -> None:
        """Gives the signals back."""
        for number in POLITE:
            self._loop.remove_signal_handler(number)
