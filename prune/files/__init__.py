"""Paths, and files that are read as untrusted data."""
