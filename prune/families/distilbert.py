"""DistilBERT (Sanh et al. 2019)."""

from prune.families import Family, Place, Stack

FAMILY = Family(
    stacks=(
        Stack(
            layers="transformer.layer.*",
            places=(
                Place(
                    site="attention",
                    inputs=("attention.q_lin", "attention.k_lin", "attention.v_lin"),
                    output="attention.out_lin",
                    head_size="attention.attention_head_size",
                    counts={"attention.n_heads": "units", "attention.dim": "width"},
                ),
                Place(site="feed_forward", inputs=("ffn.lin1",), output="ffn.lin2"),
            ),
        ),
    )
)
