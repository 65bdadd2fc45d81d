"""T5 (Raffel et al. 2020), T5 v1.1, Flan-T5: an encoder and a decoder; their layers share relative position biases.

transformers 5.23 itself cannot write with a cache where a T5 has more decoder layers than encoder layers.
"""

from prune.models.families import Family, Place, SharedBias, Stack, attention, feed_forward

_BIAS = SharedBias("position_bias", output=1, table="relative_attention_bias", compute="compute_bias")


def _attention(module: str, name: str = "") -> Place:
    return attention(
        module,
        inputs=("q", "k", "v"),
        output=f"{module}.o",
        head_size="key_value_proj_dim",
        heads="n_heads",
        widths=("inner_dim",),
        name=name,
        shared_bias=_BIAS,
    )


def _feed_forward(module: str) -> Place:  # from v1.1 on it has two gated inputs
    return feed_forward(f"{module}.wi", f"{module}.wi_0", f"{module}.wi_1", output=f"{module}.wo", width="d_ff")


_ENCODER = _attention("layer.0.SelfAttention"), _feed_forward("layer.1.DenseReluDense")
_DECODER = (
    _attention("layer.0.SelfAttention", "self_attention"),
    _attention("layer.1.EncDecAttention", "cross_attention"),
    _feed_forward("layer.2.DenseReluDense"),
)
FAMILY = Family(
    stacks=(
        Stack("encoder.block.*", _ENCODER, depth="num_layers"),
        Stack("decoder.block.*", _DECODER, depth="num_decoder_layers"),
    )
)
