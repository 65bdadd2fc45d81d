"""BERT (Devlin et al. 2019): one encoder stack."""

from prune.families import Family, Place, Stack

FAMILY = Family(
    stacks=(
        Stack(
            layers="encoder.layer.*",
            places=(
                Place(
                    site="attention",
                    inputs=("attention.self.query", "attention.self.key", "attention.self.value"),
                    output="attention.output.dense",
                    head_size="attention.self.attention_head_size",
                    counts={
                        "attention.self.num_attention_heads": "units",
                        "attention.self.all_head_size": "width",
                    },
                ),
                Place(site="feed_forward", inputs=("intermediate.dense",), output="output.dense"),
            ),
        ),
    )
)
