"""How work is handed to a worker: the port and its adapter in memory."""
