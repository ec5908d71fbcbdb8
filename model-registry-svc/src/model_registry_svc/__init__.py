"""The model registry: what models there are, and how they come onto the models volume."""
