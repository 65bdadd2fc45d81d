"""BERT (Devlin et al. 2019): one encoder stack."""

from prune.models.families import Family, Stack, attention, feed_forward

ATTENTION = attention(
    "attention.self",
    inputs=("query", "key", "value"),
    output="attention.output.dense",
    head_size="attention_head_size",
    heads="num_attention_heads",
    widths=("all_head_size",),
    tokenwise_from="attention.output",
)
FEED_FORWARD = feed_forward("intermediate.dense", output="output.dense")
FAMILY = Family(
    stacks=(Stack("encoder.layer.*", (ATTENTION, FEED_FORWARD), depth="num_hidden_layers", tokens_know_positions=True),)
)
