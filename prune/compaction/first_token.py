"""First-token computation: tokens that do not affect the logits are not computed.

The head of a sequence classifier reads the first token only. After the last attention with heads, tokens no longer
depend on each other: from there on the model computes the first token alone, and gives the same logits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from prune.compaction.modeling_pruned import reads_first_token
from prune.models.sublayers import Sublayer


def first_token_suffices(auto_class: str, sublayers: Sequence[Sublayer]) -> bool:
    """Whether models of this class with these sublayers have a head that reads the first token only."""
    return reads_first_token(auto_class) and bool(may_be_last(sublayers))


def last_attention(sublayers: Sequence[Sublayer], units: Mapping[str, int]) -> Sublayer:
    """After which only the first token is computed, given how many units each sublayer has left."""
    attentions = may_be_last(sublayers)
    return next((s for s in reversed(attentions) if units[s.name]), attentions[0])


def may_be_last(sublayers: Sequence[Sublayer]) -> list[Sublayer]:
    """The attentions after which tokens may be left out, first layer first; none where the family does not say how.

    Not the first layer's: a DeBERTa may have a convolution over tokens there.
    """
    attentions = [s for s in sublayers if s.site == "attention"]
    return attentions[1:] if all(attention.tokenwise_from for attention in attentions) else []
