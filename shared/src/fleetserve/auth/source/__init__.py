"""Where a gateway asks what it can't verify alone."""
