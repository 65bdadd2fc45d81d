"""Kinds of tasks: data, features, metrics, and which logits to distil.

One file = one kind, found by its name, assigning `TASK`, a subclass of `Task`. A task of a known kind is a YAML only.
"""
