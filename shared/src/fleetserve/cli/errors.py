"""What ends a command with exit status 1 and a block of text."""


class CliError(Exception):
    """The command failed.

    Args:
        title: What happened, in a few words.
        detail: What exactly, and what to do.
        facts: Codes and ids to look it up by.
    """

    def __init__(self, title: str, detail: str = "", facts: str = "") -> None:
        super().__init__(title)
        self.title = title
        self.detail = detail
        self.facts = facts

    def block(self) -> str:
        """All of it, as a person reads it."""
        lines = [f"fleetserve: {self.title}", *self.detail.splitlines(), self.facts]
        return "\n  ".join(line for line in lines if line)
