"""What tells data apart: hashes of rows, of the vocabulary, and of what is made of them."""

from __future__ import annotations

import hashlib
import json

from datasets import Dataset
from transformers import PreTrainedTokenizerBase

from prune.config.schema import TaskConfig
from prune.files.paths import PACKAGE


def fingerprint(rows: Dataset, tokenizer: PreTrainedTokenizerBase) -> str:
    """A hash of the rows and of the vocabulary, the same on every machine."""
    digest = hashlib.sha256(json.dumps(sorted(tokenizer.get_vocab().items())).encode())
    for batch in rows.with_format("python").iter(batch_size=1000):
        digest.update(json.dumps(batch, sort_keys=True, default=str).encode())
    return digest.hexdigest()[:16]


def cache_key(
    data: str, tokenizer: PreTrainedTokenizerBase, config: TaskConfig, training: bool, seed: int | None = None
) -> str:
    """A hash of all that features depend on, the code that makes them included; `seed`: where something is drawn."""
    options = (config.kind, config.text, config.label, config.max_length, config.answers, config.summaries, training)
    drawn = "" if seed is None else f"{seed} "
    digest = hashlib.sha256(f"{data} {options} {drawn}{tokenizer.backend_tokenizer.to_str()}".encode())
    for file in sorted(file for room in ("data", "tasks") for file in (PACKAGE / room).rglob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:32]
