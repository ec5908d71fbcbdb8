"""Every Redis key name, under the fleet's prefix, so that several fleets can share one Redis."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Keys:
    prefix: str

    @property
    def announcements_channel(self) -> str:
        return f"{self.prefix}:announcements"

    @property
    def announcement_pattern(self) -> str:
        return f"{self.prefix}:announcement:*"

    def announcement(self, service: str, replica_id: str) -> str:
        return f"{self.prefix}:announcement:{service}:{replica_id}"

    @property
    def models(self) -> str:
        """Hash: model name → ModelRecord as JSON."""
        return f"{self.prefix}:models"

    @property
    def models_channel(self) -> str:
        return f"{self.prefix}:models:changed"

    @property
    def policies(self) -> str:
        """Hash: model name → ModelPolicy as JSON."""
        return f"{self.prefix}:models:policies"

    def job(self, job_id: str) -> str:
        return f"{self.prefix}:job:{job_id}"

    @property
    def jobs(self) -> str:
        """Set of the ids of jobs that are not finished."""
        return f"{self.prefix}:jobs"

    @property
    def job_events_channel(self) -> str:
        return f"{self.prefix}:jobs:changed"

    @property
    def metrics_services(self) -> str:
        """Set of ``service/replica_id`` that have pushed metrics."""
        return f"{self.prefix}:metrics:services"

    def metrics(self, service: str, replica_id: str) -> str:
        """Sorted set by second: the roll-ups of one process."""
        return f"{self.prefix}:metrics:{service}:{replica_id}"

    def demand(self, gateway_id: str) -> str:
        """What a gateway told last of its requests; runs out by itself."""
        return f"{self.prefix}:demand:{gateway_id}"

    def celery(self, queue: str) -> str:
        return f"{self.prefix}:celery:{queue}"
