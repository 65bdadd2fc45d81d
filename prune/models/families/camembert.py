"""CamemBERT (Martin et al. 2020): BERT's encoder."""

from prune.models.families.bert import FAMILY

__all__ = ["FAMILY"]
