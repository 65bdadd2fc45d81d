"""Folders of tiny pruned models, as runs leave them."""

from __future__ import annotations

from pathlib import Path

from transformers import AutoTokenizer

from prune.compaction import saved_model
from prune.compaction.structure import Structure
from prune.files.paths import PACKAGE
from prune.models.architecture import sublayers_of
from tests.architectures import ARCHITECTURES

INPUTS = ["input_ids", "attention_mask"]
"""Which any model takes."""
SPECIAL_TOKENS = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}


def save_with_tokenizer(name: str, folder: Path, model_class: str = "") -> Path:
    """Leaves a model of an architecture, without every second unit, and the demo's tokenizer in `folder`."""
    tokenizer = AutoTokenizer.from_pretrained(PACKAGE / "demo" / "model", model_input_names=INPUTS)
    architecture = ARCHITECTURES[name]
    if model_class:
        architecture = type(architecture)(architecture.family, model_class, architecture.shape)
    model = architecture.model(vocab_size=len(tokenizer), **SPECIAL_TOKENS)
    sublayers = sublayers_of(model)
    structure = Structure(model.config.model_type, {s.name: tuple(range(0, s.num_units, 2)) for s in sublayers})
    structure.apply(model.base_model, sublayers)
    saved_model.save(model, structure, tokenizer, folder)
    return folder
