"""What somebody asked of a model beyond its files: whether it stays, and for how long unused."""

import contextlib
from collections.abc import Iterable

import msgspec


class ModelPolicy(msgspec.Struct, frozen=True):
    """One model's.

    ``pinned``: it never leaves by itself. ``keep_alive_s``: unused for so long it leaves; 0 once
    it was used, negative never, None after what the configuration says (autoscaler.model_idle_s).
    """

    name: str
    pinned: bool = False
    keep_alive_s: float | None = None

    def idle_limit_s(self, default_s: float | None) -> float | None:
        """Unused for so long it leaves; None: never by itself."""
        if self.pinned:
            return None
        if self.keep_alive_s is None:
            return default_s
        return self.keep_alive_s if self.keep_alive_s >= 0 else None


_decode = msgspec.json.Decoder(ModelPolicy).decode


def encode_policy(policy: ModelPolicy) -> bytes:
    return msgspec.json.encode(policy)


def decode_policies(raws: Iterable[bytes | str]) -> dict[str, ModelPolicy]:
    """By name; what another version wrote and this one can't read is passed over."""
    found = {}
    for raw in raws:
        with contextlib.suppress(msgspec.MsgspecError, UnicodeDecodeError):
            policy = _decode(raw)
            found[policy.name] = policy
    return found
