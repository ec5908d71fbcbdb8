"""The one-shot step before a fleet of containers starts: secrets, and Redis's configuration."""
