"""T5 (Raffel et al. 2020), T5 v1.1, Flan-T5: an encoder and a decoder; their layers share relative position biases.

transformers 5.23 itself cannot write with a cache where a T5 has more decoder layers than encoder layers.
"""

from prune.families import Family, Place, SharedBias, Stack, Variant


def _attention(module: str, name: str = "") -> Place:
    return Place(
        site="attention",
        name=name,
        inputs=(f"{module}.q", f"{module}.k", f"{module}.v"),
        output=f"{module}.o",
        units="num_heads",
        unit_size="d_kv",
        counts={f"{module}.n_heads": "units", f"{module}.inner_dim": "width"},
        shared_bias=SharedBias("position_bias", output=1, table="relative_attention_bias", compute="compute_bias"),
    )


def _feed_forward(module: str) -> Place:
    gated = Variant("feed_forward_proj", pattern="gated-*", inputs=(f"{module}.wi_0", f"{module}.wi_1"))
    return Place(site="feed_forward", inputs=(f"{module}.wi",), output=f"{module}.wo", units="d_ff", variants=(gated,))


_ENCODER = Stack(
    layers="encoder.block",
    num_layers="num_layers",
    hidden="d_model",
    places=(_attention("layer.0.SelfAttention"), _feed_forward("layer.1.DenseReluDense")),
)
_DECODER = Stack(
    layers="decoder.block",
    num_layers="num_decoder_layers",
    hidden="d_model",
    places=(
        _attention("layer.0.SelfAttention", name="self_attention"),
        _attention("layer.1.EncDecAttention", name="cross_attention"),
        _feed_forward("layer.2.DenseReluDense"),
    ),
)

FAMILY = Family(stacks=(_ENCODER, _DECODER), fallbacks={"num_decoder_layers": "num_layers"})
