"""MobileBERT (Sun et al. 2020): narrow layers between bottlenecks, with several feed-forward layers each.

The bottlenecks stay as they are.
"""

from prune.families import Family, Stack
from prune.families.bert import ATTENTION, FEED_FORWARD

FAMILY = Family(
    stacks=(
        Stack("encoder.layer.*", (ATTENTION, FEED_FORWARD), depth="num_hidden_layers"),
        Stack("encoder.layer.*.ffn.*", (FEED_FORWARD,)),
    )
)
