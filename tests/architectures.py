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

VOCABULARY = 50


@dataclass(frozen=True)
class Architecture:
    """A tiny model: family, class, what differs from the defaults of its config."""

    family: str
    model_class: str
    shape: dict[str, Any]

    @property
    def reads_pairs(self) -> bool:
        """Whether it has an encoder and a decoder."""
        return self.model_class.endswith("ForConditionalGeneration")

    @property
    def writes(self) -> bool:
        """Whether it generates texts."""
        return self.reads_pairs or self.model_class.endswith("LMHeadModel")

    @property
    def auto_class(self) -> str:
        """The class of transformers that finds its class."""
        if self.reads_pairs:
            return "AutoModelForSeq2SeqLM"
        return "AutoModelForCausalLM" if self.writes else "AutoModelForSequenceClassification"

    def model(self, seed: int = 0, **shape: Any) -> PreTrainedModel:
        """In evaluation mode; biases and norms so large that every part of it shows in the logits."""
        torch.manual_seed(seed)
        config = AutoConfig.for_model(self.family, **{"vocab_size": VOCABULARY} | self.shape | shape)
        model: PreTrainedModel = getattr(transformers, self.model_class)(config).eval()
        for name, parameter in model.named_parameters():
            if name.endswith("bias") or "norm" in name.lower():
                nn.init.normal_(parameter, std=0.3, mean=float(name.endswith("weight")))
        return model


_SIZES = {"hidden_size": 16, "num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 24}
_ENCODER = _SIZES | {"max_position_embeddings": 32, "initializer_range": 0.3}
_T5 = Architecture(
    "t5",
    "T5ForConditionalGeneration",
    {"d_model": 16, "d_kv": 8, "num_heads": 4, "d_ff": 24, "num_layers": 3, "num_decoder_layers": 2,
     "relative_attention_num_buckets": 8, "relative_attention_max_distance": 12, "initializer_factor": 1.5,
     "decoder_start_token_id": 0},
)  # fmt: skip
_DEBERTA = _ENCODER | {
    "relative_attention": True, "position_buckets": 8, "pos_att_type": ["p2c", "c2p"], "norm_rel_ebd": "layer_norm",
    "position_biased_input": False, "type_vocab_size": 0,
}  # fmt: skip
_GPT2 = {
    "n_embd": 16, "n_layer": 3, "n_head": 4, "n_inner": 24, "n_positions": 64, "initializer_range": 0.3,
    "pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2,
}  # fmt: skip

ARCHITECTURES = {
    "bert": Architecture("bert", "BertForSequenceClassification", _ENCODER),
    "roberta": Architecture("roberta", "RobertaForSequenceClassification", _ENCODER),
    "xlm_roberta": Architecture("xlm-roberta", "XLMRobertaForSequenceClassification", _ENCODER),
    "camembert": Architecture("camembert", "CamembertForSequenceClassification", _ENCODER),
    "electra": Architecture("electra", "ElectraForSequenceClassification", _ENCODER | {"embedding_size": 12}),
    "mpnet": Architecture("mpnet", "MPNetForSequenceClassification", _ENCODER),
    "distilbert": Architecture(
        "distilbert",
        "DistilBertForSequenceClassification",
        {"dim": 16, "n_layers": 3, "n_heads": 4, "hidden_dim": 24, "max_position_embeddings": 32,
         "initializer_range": 0.3},
    ),
    "albert": Architecture(
        "albert",
        "AlbertForSequenceClassification",
        _ENCODER | {"num_hidden_layers": 4, "num_hidden_groups": 2, "inner_group_num": 1, "embedding_size": 12},
    ),
    "deberta_v2": Architecture("deberta-v2", "DebertaV2ForSequenceClassification", _DEBERTA | {"share_att_key": True}),
    "deberta_v2_positions": Architecture(
        "deberta-v2", "DebertaV2ForSequenceClassification", _DEBERTA | {"share_att_key": False}
    ),
    "mobilebert": Architecture(
        "mobilebert",
        "MobileBertForSequenceClassification",
        _ENCODER | {"hidden_size": 20, "intra_bottleneck_size": 16, "embedding_size": 12, "true_hidden_size": 16,
         "num_feedforward_networks": 3},
    ),
    "modernbert": Architecture(
        "modernbert",
        "ModernBertForSequenceClassification",
        _ENCODER | {"local_attention": 4, "global_attn_every_n_layers": 2, "pad_token_id": 1, "bos_token_id": 0,
         "eos_token_id": 2, "cls_token_id": 0, "sep_token_id": 2},
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
    "gpt2": Architecture("gpt2", "GPT2ForSequenceClassification", _GPT2),
    "gpt2_writer": Architecture("gpt2", "GPT2LMHeadModel", _GPT2),
}  # fmt: skip
"""By a name for tests."""


class _NoTokenizer:
    def save_pretrained(self, folder: object) -> None:
        pass


NO_TOKENIZER = _NoTokenizer()
"""Stands for a tokenizer that is saved beside a model."""


def inputs(architecture: Architecture) -> dict[str, Tensor]:
    """Three inputs of seven tokens, one of them padded; three starts of outputs of five tokens."""
    generator = torch.Generator().manual_seed(0)
    ids = torch.randint(3, VOCABULARY, (3, 7), generator=generator)
    attention_mask = torch.ones_like(ids)
    attention_mask[0, 4:] = 0
    batch = {"input_ids": ids, "attention_mask": attention_mask}
    if architecture.reads_pairs:
        batch["decoder_input_ids"] = torch.randint(3, VOCABULARY, (3, 5), generator=generator)
    return batch
