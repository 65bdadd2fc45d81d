"""MobileBERT (Sun et al. 2020): narrow layers between bottlenecks, with several feed-forward layers each.

The bottlenecks themselves, which hold two fifths of a layer's weights, stay as they are.
"""

from prune.families import Family, Place, Stack

_FEED_FORWARD = Place(site="feed_forward", inputs=("intermediate.dense",), output="output.dense")

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
                _FEED_FORWARD,
            ),
        ),
        Stack(layers="encoder.layer.*.ffn.*", places=(_FEED_FORWARD,)),
    )
)
