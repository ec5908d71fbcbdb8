"""Where models come from: the port, and an adapter per kind of source."""
