"""Which jobs there are, by whom: the port and its adapters."""
