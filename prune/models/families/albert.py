"""ALBERT (Lan et al. 2020): the layers of a group are one layer, passed several times; it is pruned once for all.

ONNX Runtime cannot run one of whose layers all heads are gone.
"""

from prune.models.families import Family, Stack, attention, feed_forward

_ATTENTION = attention(
    "attention",
    inputs=("query", "key", "value"),
    output="attention.dense",
    head_size="attention_head_size",
    heads="num_attention_heads",
    widths=("all_head_size",),
    left_out_without_heads=False,  # it adds the residual stream and normalizes, too
)
FAMILY = Family(
    stacks=(
        Stack(
            "encoder.albert_layer_groups.*.albert_layers.*",
            (_ATTENTION, feed_forward("ffn", output="ffn_output")),
        ),
    )
)
