"""What the proxy answers where it does not pass a call on."""


class RefusedError(Exception):
    """The call is not one that an autoscaler makes; ``reason`` is logged and told."""

    status = 403

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class UnknownContainerError(RefusedError):
    """No such container, or not one of this fleet's replicas: which of the two is not told."""

    status = 404


class EngineAwayError(Exception):
    """The engine does not answer, or not in HTTP."""
