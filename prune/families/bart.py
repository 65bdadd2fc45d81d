"""BART (Lewis et al. 2020): an encoder and a decoder that looks at it."""

from prune.families import Family, Place, Stack


def _attention(module: str, name: str = "") -> Place:
    return Place(
        site="attention",
        name=name,
        inputs=(f"{module}.q_proj", f"{module}.k_proj", f"{module}.v_proj"),
        output=f"{module}.out_proj",
        head_size=f"{module}.head_dim",
        counts={f"{module}.num_heads": "units"},
    )


_FEED_FORWARD = Place(site="feed_forward", inputs=("fc1",), output="fc2")

FAMILY = Family(
    stacks=(
        Stack("encoder.layers.*", (_attention("self_attn"), _FEED_FORWARD)),
        Stack(
            "decoder.layers.*",
            (
                _attention("self_attn", name="self_attention"),
                _attention("encoder_attn", name="cross_attention"),
                _FEED_FORWARD,
            ),
        ),
    )
)
