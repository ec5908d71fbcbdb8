"""What a loaded model was asked and what that took, in sums that can be added up over replicas."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Spent:
    """How often something was done, and how long all of it took."""

    count: int = 0
    seconds: float = 0.0

    def add(self, seconds: float) -> None:
        self.count += 1
        self.seconds += seconds

    def merge(self, other: "Spent") -> None:
        self.count += other.count
        self.seconds += other.seconds


@dataclass(slots=True)
class Usage:
    """Since the model was loaded. One thread writes ``inputs`` and ``batches``, one the rest.

    Attributes:
        success, fail: Requests, from their receipt to their result.
        prepare: Requests until they were handed over: read, tokenised, resized.
        queue: From then until the first batch of a request began.
        compute: Of each request all batches that it was in.
        encode: Results made into the protocol's bytes.
        inputs: That were computed; a request may have several.
        batches: By size, what was run.
        last_s: Wall time of the latest request's end; 0: there was none.
    """

    success: Spent = field(default_factory=Spent)
    fail: Spent = field(default_factory=Spent)
    prepare: Spent = field(default_factory=Spent)
    queue: Spent = field(default_factory=Spent)
    compute: Spent = field(default_factory=Spent)
    encode: Spent = field(default_factory=Spent)
    inputs: int = 0
    batches: dict[int, Spent] = field(default_factory=dict)
    last_s: float = 0.0

    def ran(self, size: int, seconds: float) -> None:
        """One batch was computed."""
        found = self.batches.get(size)
        if found is None:
            found = self.batches[size] = Spent()
        found.add(seconds)

    def merge(self, other: "Usage") -> None:
        """Adds what another replica counted."""
        for name in ("success", "fail", "prepare", "queue", "compute", "encode"):
            getattr(self, name).merge(getattr(other, name))
        self.inputs += other.inputs
        for size, spent in other.batches.items():
            self.batches.setdefault(size, Spent()).merge(spent)
        self.last_s = max(self.last_s, other.last_s)


@dataclass(slots=True)
class ModelUsage:
    """Of one model's revision, on one replica or on all together.

    Attributes:
        memory: Bytes by device.
    """

    name: str
    revision: str
    memory: dict[str, int] = field(default_factory=dict)
    usage: Usage = field(default_factory=Usage)

    def merge(self, other: "ModelUsage") -> None:
        """Adds another replica's."""
        for device, size in other.memory.items():
            self.memory[device] = self.memory.get(device, 0) + size
        self.usage.merge(other.usage)
