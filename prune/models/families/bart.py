"""BART (Lewis et al. 2020): an encoder and a decoder that looks at it."""

from prune.models.families import Family, Place, Stack, attention, feed_forward


def _attention(module: str, name: str = "") -> Place:
    return attention(
        module,
        inputs=("q_proj", "k_proj", "v_proj"),
        output=f"{module}.out_proj",
        head_size="head_dim",
        heads="num_heads",
        name=name,
    )


_ENCODER = _attention("self_attn"), feed_forward("fc1", output="fc2", width="encoder_ffn_dim")
_DECODER = (
    _attention("self_attn", "self_attention"),
    _attention("encoder_attn", "cross_attention"),
    feed_forward("fc1", output="fc2", width="decoder_ffn_dim"),
)
FAMILY = Family(
    stacks=(
        Stack("encoder.layers.*", _ENCODER, depth="encoder_layers", tokens_know_positions=True),
        Stack("decoder.layers.*", _DECODER, depth="decoder_layers"),
    )
)
