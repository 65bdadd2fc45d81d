"""GPT-2 (Radford et al. 2019): a decoder; query, key and value in one projection, weights stored transposed."""

from prune.models.families import Family, Stack, attention, feed_forward

_ATTENTION = attention(
    "attn",
    inputs=("c_attn",),
    parts=3,
    output="attn.c_proj",
    head_size="head_dim",
    heads="num_heads",
    widths=("embed_dim", "split_size"),
)
_FEED_FORWARD = feed_forward("mlp.c_fc", output="mlp.c_proj", width="n_inner")
FAMILY = Family(stacks=(Stack("h.*", (_ATTENTION, _FEED_FORWARD), depth="n_layer"),))
