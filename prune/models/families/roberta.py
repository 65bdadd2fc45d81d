"""RoBERTa (Liu et al. 2019): BERT's encoder."""

from prune.models.families.bert import FAMILY

__all__ = ["FAMILY"]
