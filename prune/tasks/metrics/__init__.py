"""Metrics through the `evaluate` interface, computed here, so that nothing is fetched from a hub."""
