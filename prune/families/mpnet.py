"""MPNet (Song et al. 2020): BERT with a relative position bias, which the encoder computes for all layers."""

from prune.families import Family, Place, SharedBias, Stack

FAMILY = Family(
    stacks=(
        Stack(
            layers="encoder.layer.*",
            places=(
                Place(
                    site="attention",
                    inputs=("attention.attn.q", "attention.attn.k", "attention.attn.v"),
                    output="attention.attn.o",
                    head_size="attention.attn.attention_head_size",
                    counts={
                        "attention.attn.num_attention_heads": "units",
                        "attention.attn.all_head_size": "width",
                    },
                    shared_bias=SharedBias("position_bias"),
                ),
                Place(site="feed_forward", inputs=("intermediate.dense",), output="output.dense"),
            ),
        ),
    )
)
