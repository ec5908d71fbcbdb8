"""What each gateway tells of the requests it has, by model: what replicas are scaled by."""

import msgspec

PERIOD_S = 1.0
# A gateway without a request says nothing; what it said last is forgotten by itself.
TTL_S = 3


class ModelDemand(msgspec.Struct, frozen=True):
    """One model at one gateway.

    Attributes:
        concurrency: Mean number of requests, at a replica or waiting, since the word before.
        held: Requests that wait now, since no replica can serve them.
    """

    service: str
    concurrency: float
    held: int = 0


class Demand(msgspec.Struct, frozen=True):
    gateway: str
    models: dict[str, ModelDemand]


_decode = msgspec.json.Decoder(Demand).decode


def encode_demand(demand: Demand) -> bytes:
    return msgspec.json.encode(demand)


def decode_demand(raw: bytes | str) -> Demand:
    """Raises: msgspec.DecodeError: none of a gateway's words."""
    return _decode(raw)
