"""Sweeps: many runs by one command, one after another, several at once, on other machines, or as a search."""
