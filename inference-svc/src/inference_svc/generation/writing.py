"""Tokens to text as they come: whole characters, and no part of a stop string."""

from collections.abc import Callable, Sequence

Decode = Callable[[Sequence[int]], str]

CONTEXT = 6  # Tokens before a new one that decide how it reads: a space, a joined character.
BROKEN = "\N{REPLACEMENT CHARACTER}"


class Writing:
    """One completion. The pieces joined are what decoding all of its tokens at once gives.

    Args:
        decode: Tokens to text, special ones left out.
        before: The prompt's tokens; some tokenizers write a space only where a text goes on.
        stop: Strings that end it.
    """

    def __init__(self, decode: Decode, before: Sequence[int], stop: Sequence[str]) -> None:
        self._decode = decode
        self._ids = list(before[-CONTEXT:])
        self._begin = 0
        self._read = len(self._ids)
        self._stop = [text for text in stop if text]
        self._held = ""
        self.stopped = False

    def add(self, token: int) -> str:
        """The text that is sure with this token; ``stopped`` says that a stop string came."""
        self._ids.append(token)
        self._held += self._news(final=False)
        found = [at for at in (self._held.find(text) for text in self._stop) if at >= 0]
        if found:
            self.stopped = True
            text, self._held = self._held[: min(found)], ""
            return text
        sure = len(self._held) - self._could_become_stop()
        text, self._held = self._held[:sure], self._held[sure:]
        return text

    def finish(self) -> str:
        """What was held back, when no more tokens come."""
        if self.stopped:
            return ""
        text, self._held = self._held + self._news(final=True), ""
        return text

    def _news(self, *, final: bool) -> str:
        known = self._decode(self._ids[self._begin : self._read])
        text = self._decode(self._ids[self._begin :])
        if len(text) <= len(known) or (text.endswith(BROKEN) and not final):
            return ""
        self._begin, self._read = self._read, len(self._ids)
        return text[len(known) :]

    def _could_become_stop(self) -> int:
        """The length of the longest end of what is held that a stop string begins with."""
        longest = max((len(text) - 1 for text in self._stop), default=0)
        for size in range(min(longest, len(self._held)), 0, -1):
            end = self._held[-size:]
            if any(text.startswith(end) for text in self._stop):
                return size
        return 0
