"""How many tokens of prompts a step may read, learned from the time that steps take.

Reading a prompt at once would hold up every text that is being written, and other models' work
too: the slot is handed on between steps only. So a step with prompts in it may take a tenth of a
second, or twice what one without them takes.
"""

TARGET_S = 0.1
STEADY = 0.8  # Weight of what is known against the latest step.


class StepBudget:
    """Compute thread only; ``tokens`` is the bound for the next step."""

    def __init__(self, largest: int, start: int = 32, smallest: int = 8) -> None:
        self._smallest = smallest
        self._largest = largest
        self.tokens = min(start, largest)
        self._bare_s = 0.0

    def observe(self, read: int, seconds: float, *, writing: bool, bound: bool) -> None:
        """One step.

        Args:
            read: Tokens of prompts in it.
            seconds: Its time.
            writing: Texts that are being written shared it.
            bound: There was more to read than the budget allowed.
        """
        if not read:
            known = self._bare_s or seconds
            self._bare_s = STEADY * known + (1 - STEADY) * seconds
            return
        allowed_s = max(TARGET_S, 2 * self._bare_s if writing else 0.0)
        if seconds > allowed_s or bound:
            factor = min(1.5, max(0.5, allowed_s / seconds)) if seconds > 0 else 1.5
            wanted = round(self.tokens * factor)
            self.tokens = max(self._smallest, min(self._largest, wanted))
