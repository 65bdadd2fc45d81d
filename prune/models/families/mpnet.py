"""MPNet (Song et al. 2020): BERT with a relative position bias, which the encoder computes for all layers."""

from prune.models.families import Family, SharedBias, Stack, attention
from prune.models.families.bert import FEED_FORWARD

_ATTENTION = attention(
    "attention.attn",
    inputs=("q", "k", "v"),
    output="attention.attn.o",
    head_size="attention_head_size",
    heads="num_attention_heads",
    widths=("all_head_size",),
    shared_bias=SharedBias("position_bias"),
    tokenwise_from="attention.LayerNorm",
)
FAMILY = Family(stacks=(Stack("encoder.layer.*", (_ATTENTION, FEED_FORWARD), depth="num_hidden_layers"),))
