"""Recipes: found, checked, written by runs, verified."""
