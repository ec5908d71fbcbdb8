"""The port that rate limits are shared behind."""
