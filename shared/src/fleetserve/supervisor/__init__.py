"""Process mode's engine: owns every process of a fleet that runs without Docker.

``up`` starts and stops a fleet; ``engine`` creates, lists, stops and removes processes and
``engine_api`` offers that over a Unix socket; ``process`` keeps one process running;
``spawner`` ties processes to this one, so that none outlives it.
"""
