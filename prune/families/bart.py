"""BART (Lewis et al. 2020): an encoder and a decoder that looks at it."""

from prune.families import Family, Place, Stack


def _attention(module: str, units: str, name: str = "") -> Place:
    return Place(
        site="attention",
        name=name,
        inputs=(f"{module}.q_proj", f"{module}.k_proj", f"{module}.v_proj"),
        output=f"{module}.out_proj",
        units=units,
        counts={f"{module}.num_heads": "units"},
    )


def _feed_forward(units: str) -> Place:
    return Place(site="feed_forward", inputs=("fc1",), output="fc2", units=units)


_ENCODER = Stack(
    layers="encoder.layers",
    num_layers="encoder_layers",
    hidden="d_model",
    places=(_attention("self_attn", "encoder_attention_heads"), _feed_forward("encoder_ffn_dim")),
)
_DECODER = Stack(
    layers="decoder.layers",
    num_layers="decoder_layers",
    hidden="d_model",
    places=(
        _attention("self_attn", "decoder_attention_heads", name="self_attention"),
        _attention("encoder_attn", "decoder_attention_heads", name="cross_attention"),
        _feed_forward("decoder_ffn_dim"),
    ),
)

FAMILY = Family(stacks=(_ENCODER, _DECODER))
