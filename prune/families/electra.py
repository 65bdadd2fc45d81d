"""ELECTRA (Clark et al. 2020): BERT's encoder."""

from prune.families.bert import FAMILY

__all__ = ["FAMILY"]
