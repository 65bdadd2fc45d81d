"""Searching and ordering documents: corpora, and losses."""
