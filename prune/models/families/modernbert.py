"""ModernBERT (Warner et al. 2024): query, key and value in one projection, gated feed-forward layers, no biases."""

from prune.models.families import Family, Stack, attention, feed_forward

_ATTENTION = attention("attn", inputs=("Wqkv",), parts=3, output="attn.Wo", head_size="head_dim")
_FEED_FORWARD = feed_forward("mlp.Wi", parts=2, output="mlp.Wo")
FAMILY = Family(
    stacks=(Stack("layers.*", (_ATTENTION, _FEED_FORWARD), depth="num_hidden_layers", kinds="layer_types"),)
)
