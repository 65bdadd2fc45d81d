"""Measurements: quality, size, speed, each with its definition."""
