"""BART (Lewis et al. 2020): an encoder and a decoder that looks at it."""

from prune.families import Family, Place, Stack, attention, feed_forward


def _attention(module: str, name: str = "") -> Place:
    return attention(
        module,
        inputs=("q_proj", "k_proj", "v_proj"),
        output=f"{module}.out_proj",
        head_size="head_dim",
        heads="num_heads",
        name=name,
    )


_FEED_FORWARD = feed_forward("fc1", output="fc2")
_DECODER = _attention("self_attn", "self_attention"), _attention("encoder_attn", "cross_attention"), _FEED_FORWARD
FAMILY = Family(
    stacks=(
        Stack("encoder.layers.*", (_attention("self_attn"), _FEED_FORWARD)),
        Stack("decoder.layers.*", _DECODER),
    )
)
