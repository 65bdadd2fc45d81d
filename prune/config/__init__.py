"""The typed configuration of a run: schema, keys, targets, and what identifies a run. Imports nothing heavy."""
