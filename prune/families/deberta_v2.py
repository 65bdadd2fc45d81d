"""DeBERTa v2 and v3 (He et al. 2021, 2023): content and positions attend to each other.

Where positions have projections of their own (`share_att_key=false`), those follow the heads of the contents.
"""

from prune.families import Family, Place, Stack

FAMILY = Family(
    stacks=(
        Stack(
            layers="encoder.layer.*",
            places=(
                Place(
                    site="attention",
                    inputs=("attention.self.query_proj", "attention.self.key_proj", "attention.self.value_proj"),
                    output="attention.output.dense",
                    head_size="attention.self.attention_head_size",
                    counts={
                        "attention.self.num_attention_heads": "units",
                        "attention.self.all_head_size": "width",
                    },
                    followers=("attention.self.pos_key_proj", "attention.self.pos_query_proj"),
                ),
                Place(site="feed_forward", inputs=("intermediate.dense",), output="output.dense"),
            ),
        ),
    )
)
