"""Alembic runs these at each start."""
