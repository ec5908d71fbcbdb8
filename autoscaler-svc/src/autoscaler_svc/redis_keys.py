"""The autoscaler's own keys in Redis."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ScalerKeys:
    prefix: str

    @property
    def lease(self) -> str:
        """String with a TTL: which autoscaler leads."""
        return f"{self.prefix}:autoscaler:leader"

    @property
    def journal(self) -> str:
        """List of decisions as JSON, the newest first."""
        return f"{self.prefix}:autoscaler:decisions"

    @property
    def floors(self) -> str:
        """Hash: target → Floor as JSON."""
        return f"{self.prefix}:autoscaler:floors"

    @property
    def overrides(self) -> str:
        """Hash: key of the configuration → value as JSON."""
        return f"{self.prefix}:autoscaler:config"
