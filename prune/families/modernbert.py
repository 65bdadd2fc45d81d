"""ModernBERT (Warner et al. 2024): query, key and value in one projection, gated feed-forward layers, no biases."""

from prune.families import Family, Place, Stack

FAMILY = Family(
    stacks=(
        Stack(
            layers="layers.*",
            places=(
                Place(site="attention", inputs=("attn.Wqkv",), parts=3, output="attn.Wo", head_size="attn.head_dim"),
                Place(site="feed_forward", inputs=("mlp.Wi",), parts=2, output="mlp.Wo"),
            ),
        ),
    )
)
