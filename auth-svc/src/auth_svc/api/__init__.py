"""The HTTP routes; one file per family, handlers only translate."""
