"""How work is handed to the registry's worker: the port and its adapters."""
