"""The ``fleetserve`` command: runs a fleet, asks one, and uses its models."""
