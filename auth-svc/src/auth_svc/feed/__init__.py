"""The port that gateways are told of revocations by."""
