"""ALBERT (Lan et al. 2020): the layers of a group are one layer, passed several times; it is pruned once for all."""

from prune.families import Family, Place, Stack

FAMILY = Family(
    stacks=(
        Stack(
            layers="encoder.albert_layer_groups.*.albert_layers.*",
            places=(
                Place(
                    site="attention",
                    inputs=("attention.query", "attention.key", "attention.value"),
                    output="attention.dense",
                    head_size="attention.attention_head_size",
                    counts={"attention.num_attention_heads": "units", "attention.all_head_size": "width"},
                    left_out_without_heads=False,  # it adds the residual stream and normalizes, too
                ),
                Place(site="feed_forward", inputs=("ffn",), output="ffn_output"),
            ),
        ),
    )
)
