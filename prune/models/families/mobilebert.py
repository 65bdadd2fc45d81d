"""MobileBERT (Sun et al. 2020): narrow layers between bottlenecks, with several feed-forward layers each.

The bottlenecks stay as they are. Their output adds the layer's input, of all tokens, long after the attention.
"""

from dataclasses import replace

from prune.models.families import Family, Stack
from prune.models.families.bert import ATTENTION, FEED_FORWARD

_ATTENTION = replace(ATTENTION, tokenwise_from="")
FAMILY = Family(
    stacks=(
        Stack("encoder.layer.*", (_ATTENTION, FEED_FORWARD), depth="num_hidden_layers"),
        Stack("encoder.layer.*.ffn.*", (FEED_FORWARD,)),
    )
)
