"""Engines that listen."""
