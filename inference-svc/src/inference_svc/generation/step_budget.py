"""How many tokens of prompts a step may read, learned from the time that steps take.

Reading a prompt at once would hold up every text that is being written, and other models' work
too: the slot is handed on between steps only. But each step reads all weights once, whatever
little else it does. So a step may take a fifth of a second, or twice what it would take without
prompts, whichever is more. (135 M parameters on one core: 42 ms, and 2.6 ms for each token.)
"""

TARGET_S = 0.2
MEMORY = 0.9  # Weight of what is known against the latest step.
STEP = 1.5  # At most so much more, or less, from one step to the next.


class StepBudget:
    """Compute thread only; ``tokens`` is the bound for the next step.

    A line is laid through the latest steps' times over their tokens. A busy machine makes both of
    its parts larger, so their quotient stays what it is, where a bare time limit would end in
    steps that read nearly nothing.
    """

    def __init__(self, largest: int, start: int = 64, smallest: int = 8) -> None:
        self._smallest = smallest
        self._largest = largest
        self.tokens = min(start, largest)
        self._weight = 0.0
        self._x = self._y = self._xx = self._xy = 0.0

    def observe(self, tokens: int, seconds: float, *, read: int, bound: bool) -> None:
        """One step.

        Args:
            tokens: All in it.
            seconds: Its time.
            read: Those of prompts.
            bound: There was more to read than the budget allowed.
        """
        self._note(tokens, seconds)
        if not read:
            return
        fixed_s, each_s = self._line()
        if each_s > 0:
            wanted = max(TARGET_S - fixed_s, fixed_s) / each_s
        else:
            # All steps were alike, or the noise is larger than the difference.
            wanted = self.tokens * TARGET_S / max(seconds, 1e-6)
        if wanted < self.tokens or bound:
            change = min(STEP, max(1 / STEP, wanted / self.tokens))
            new = round(self.tokens * change)
            self.tokens = max(self._smallest, min(self._largest, new))

    def _note(self, x: float, y: float) -> None:
        self._weight = MEMORY * self._weight + 1
        self._x = MEMORY * self._x + x
        self._y = MEMORY * self._y + y
        self._xx = MEMORY * self._xx + x * x
        self._xy = MEMORY * self._xy + x * y

    def _line(self) -> tuple[float, float]:
        """Seconds of a step as such and of each token; (0, 0): not to be told yet."""
        spread = self._weight * self._xx - self._x**2
        if spread <= 1e-9 * self._xx:
            return 0.0, 0.0
        each_s = (self._weight * self._xy - self._x * self._y) / spread
        fixed_s = (self._y - each_s * self._x) / self._weight
        return (fixed_s, each_s) if fixed_s >= 0 else (0.0, self._xy / self._xx)
