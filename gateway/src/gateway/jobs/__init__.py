"""Requests that are answered later: taken in by the gateway, done by a worker of its own."""
