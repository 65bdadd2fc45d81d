"""GPT-2 (Radford et al. 2019): a decoder; query, key and value in one projection, weights stored transposed."""

from prune.families import Family, Place, Stack

FAMILY = Family(
    stacks=(
        Stack(
            layers="h.*",
            places=(
                Place(
                    site="attention",
                    inputs=("attn.c_attn",),
                    parts=3,
                    output="attn.c_proj",
                    head_size="attn.head_dim",
                    counts={
                        "attn.num_heads": "units",
                        "attn.embed_dim": "width",
                        "attn.split_size": "width",
                    },
                ),
                Place(site="feed_forward", inputs=("mlp.c_fc",), output="mlp.c_proj"),
            ),
        ),
    )
)
