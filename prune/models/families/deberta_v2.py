"""DeBERTa v2 and v3 (He et al. 2021, 2023): content and positions attend to each other.

Where positions have projections of their own (`share_att_key=false`), those follow the heads of the contents.
"""

from prune.models.families import Family, Stack, attention
from prune.models.families.bert import FEED_FORWARD

_ATTENTION = attention(
    "attention.self",
    inputs=("query_proj", "key_proj", "value_proj"),
    output="attention.output.dense",
    head_size="attention_head_size",
    heads="num_attention_heads",
    widths=("all_head_size",),
    followers=("pos_key_proj", "pos_query_proj"),
    tokenwise_from="attention.output",
)
FAMILY = Family(stacks=(Stack("encoder.layer.*", (_ATTENTION, FEED_FORWARD), depth="num_hidden_layers"),))
