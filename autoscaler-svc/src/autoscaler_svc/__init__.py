"""Starts and stops replicas, and says which of them holds which model."""
