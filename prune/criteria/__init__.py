"""Criteria: what scores a grain. One file = one criterion, found by its name, assigning `CRITERION`."""
