"""What stops a fleet from starting."""


class SupervisorError(Exception):
    """The fleet can't start; the text is all that a person needs to read."""
