"""A tiny random model of every family, and of its variants: the contract tests run on all of them.

Sizes differ wherever an architecture lets them, so that a mix-up shows; blocks of 4 x 4 divide all matrices.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import transformers
from torch import Tensor, nn
from transformers import AutoConfig, PreTrainedModel

from prune import discovery
from prune.families import Family
from prune.sublayers import Sublayer, sublayers_of

VOCABULARY = 50


@dataclass(frozen=True)
class Architecture:
    """A tiny model: family, class, what differs from the defaults of its config."""

    family: str
    model_class: str
    shape: dict[str, Any]

    @property
    def writes(self) -> bool:
        """Whether it has a decoder."""
        return self.model_class.endswith("ConditionalGeneration")

    def found_family(self) -> Family:
        found: Family = discovery.module("families", self.family).FAMILY
        return found

    def model(self, seed: int = 0, **shape: Any) -> PreTrainedModel:
        """In evaluation mode; biases and norms so large that every part of it shows in the logits."""
        torch.manual_seed(seed)
        config = AutoConfig.for_model(self.family, vocab_size=VOCABULARY, **self.shape | shape)
        model: PreTrainedModel = getattr(transformers, self.model_class)(config).eval()
        for name, parameter in model.named_parameters():
            if name.endswith("bias") or "norm" in name.lower():
                nn.init.normal_(parameter, std=0.3, mean=float(name.endswith("weight")))
        return model

    def sublayers(self, model: PreTrainedModel) -> list[Sublayer]:
        return sublayers_of(self.found_family(), model.config.to_dict())


_T5 = Architecture(
    "t5",
    "T5ForConditionalGeneration",
    {"d_model": 16, "d_kv": 8, "num_heads": 4, "d_ff": 24, "num_layers": 3, "num_decoder_layers": 2,
     "relative_attention_num_buckets": 8, "relative_attention_max_distance": 12, "initializer_factor": 3.0,
     "decoder_start_token_id": 0},
)  # fmt: skip

ARCHITECTURES = {
    "bert": Architecture(
        "bert",
        "BertForSequenceClassification",
        {"hidden_size": 16, "num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 24,
         "max_position_embeddings": 32, "initializer_range": 0.3},
    ),
    "bart": Architecture(
        "bart",
        "BartForConditionalGeneration",
        {"d_model": 16, "encoder_layers": 2, "decoder_layers": 3, "encoder_attention_heads": 2,
         "decoder_attention_heads": 4, "encoder_ffn_dim": 24, "decoder_ffn_dim": 20, "max_position_embeddings": 64,
         "init_std": 0.3},
    ),
    "t5": _T5,
    "t5_gated": Architecture("t5", _T5.model_class, _T5.shape | {"feed_forward_proj": "gated-gelu"}),
}  # fmt: skip
"""By a name for tests."""


def inputs(architecture: Architecture) -> dict[str, Tensor]:
    """Three inputs of seven tokens, one of them padded; three starts of outputs of five tokens."""
    generator = torch.Generator().manual_seed(0)
    ids = torch.randint(3, VOCABULARY, (3, 7), generator=generator)
    attention_mask = torch.ones_like(ids)
    attention_mask[0, 4:] = 0
    batch = {"input_ids": ids, "attention_mask": attention_mask}
    if architecture.writes:
        batch["decoder_input_ids"] = torch.randint(3, VOCABULARY, (3, 5), generator=generator)
    return batch
