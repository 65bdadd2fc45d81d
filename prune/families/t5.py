"""T5 (Raffel et al. 2020), T5 v1.1, Flan-T5: an encoder and a decoder; their layers share relative position biases.

transformers 5.23 itself cannot write with a cache where a T5 has more decoder layers than encoder layers.
"""

from prune.families import Family, Place, SharedBias, Stack


def _attention(module: str, name: str = "") -> Place:
    return Place(
        site="attention",
        name=name,
        inputs=(f"{module}.q", f"{module}.k", f"{module}.v"),
        output=f"{module}.o",
        head_size=f"{module}.key_value_proj_dim",
        counts={f"{module}.n_heads": "units", f"{module}.inner_dim": "width"},
        shared_bias=SharedBias("position_bias", output=1, table="relative_attention_bias", compute="compute_bias"),
    )


def _feed_forward(module: str) -> Place:
    plain, gated = (f"{module}.wi",), (f"{module}.wi_0", f"{module}.wi_1")
    return Place(site="feed_forward", inputs=plain + gated, output=f"{module}.wo")


FAMILY = Family(
    stacks=(
        Stack(
            "encoder.block.*",
            (_attention("layer.0.SelfAttention"), _feed_forward("layer.1.DenseReluDense")),
        ),
        Stack(
            "decoder.block.*",
            (
                _attention("layer.0.SelfAttention", name="self_attention"),
                _attention("layer.1.EncDecAttention", name="cross_attention"),
                _feed_forward("layer.2.DenseReluDense"),
            ),
        ),
    )
)
