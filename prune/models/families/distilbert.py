"""DistilBERT (Sanh et al. 2019)."""

from prune.models.families import Family, Stack, attention, feed_forward

_ATTENTION = attention(
    "attention",
    inputs=("q_lin", "k_lin", "v_lin"),
    output="attention.out_lin",
    head_size="attention_head_size",
    heads="n_heads",
    widths=("dim",),
    tokenwise_from="sa_layer_norm",
)
FAMILY = Family(
    stacks=(
        Stack(
            "transformer.layer.*",
            (_ATTENTION, feed_forward("ffn.lin1", output="ffn.lin2", width="hidden_dim")),
            depth="n_layers",
            tokens_know_positions=True,
        ),
    )
)
