"""What more than one Fleetserve service needs."""

__version__ = "0.1.0"
