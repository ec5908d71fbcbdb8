"""Celery as a wake-up: what the services with a worker share, and the rest never imports."""
