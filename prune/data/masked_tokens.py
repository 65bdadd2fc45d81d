"""Masked tokens, which a model is to guess: those of a text are the same in every evaluation, others in every epoch."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import DataCollatorForLanguageModeling, DataCollatorForTokenClassification, PreTrainedTokenizerBase

from prune.data.features import IGNORED

SHARE = 0.15
"""Of a text's tokens (Devlin et al. 2019)."""


def ordinary_places(ids: Sequence[int], special: Collection[int]) -> list[int]:
    """Where in a text are tokens that may be masked: all but the special ones, unknown words among those."""
    return [place for place, id_ in enumerate(ids) if id_ not in special]


def fixed_places(ids: Sequence[int], special: Collection[int], seed: int, text: str) -> list[int]:
    """Which tokens of `text`, whose `ids` these are, an evaluation masks: 15 %, but at least one where there is any.

    They depend on the arguments alone, so that they are the same in every run and on every machine.
    """
    ordinary = ordinary_places(ids, special)
    number = min(len(ordinary), max(1, round(SHARE * len(ordinary))))
    return sorted(random.Random(f"{seed} {text}").sample(ordinary, number))


class MaskingCollator:
    """Makes a batch of texts: one that brings its labels is padded, any other is masked as BERT was trained.

    15 % of the tokens are to be guessed, at least one of each text: 80 % of them are hidden, 10 % replaced by any
    token, 10 % left. What is drawn depends on seed, epoch and texts alone: it is the same wherever a training is taken
    up again, and in all processes, which compute a part of a batch each.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, seed: int):
        self.seed, self.epoch = seed, 0
        self._special, self._mask = frozenset(tokenizer.all_special_ids), tokenizer.mask_token_id
        self._padding = DataCollatorForTokenClassification(tokenizer, label_pad_token_id=IGNORED)
        self._masking = DataCollatorForLanguageModeling(tokenizer, mlm_probability=SHARE)

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, Tensor]:
        if "labels" in rows[0]:
            return dict(self._padding(list(rows)))
        self._masking.generator = torch.Generator().manual_seed(self._seed_of(rows))
        batch: dict[str, Tensor] = dict(self._masking([self._with_special(row) for row in rows]))
        for number, row in enumerate(rows):
            if bool((batch["labels"][number] == IGNORED).all()):
                self._mask_one(batch, number, row["input_ids"])
        return batch

    def _seed_of(self, rows: Sequence[Mapping[str, Any]]) -> int:
        said = f"{self.seed} {self.epoch} {[list(row['input_ids']) for row in rows]}"
        return int.from_bytes(hashlib.sha256(said.encode()).digest()[:7], "big")

    def _with_special(self, row: Mapping[str, Any]) -> dict[str, Any]:
        return {**row, "special_tokens_mask": [int(id_ in self._special) for id_ in row["input_ids"]]}

    def _mask_one(self, batch: Mapping[str, Tensor], number: int, ids: Sequence[int]) -> None:
        """Hides a token of the text of that number, of which none was drawn."""
        if not (ordinary := ordinary_places(ids, self._special)):
            return
        drawn = ordinary[int(torch.randint(len(ordinary), (1,), generator=self._masking.generator))]
        shift = batch["input_ids"].shape[1] - len(ids) if self._masking.tokenizer.padding_side == "left" else 0
        batch["labels"][number, drawn + shift] = ids[drawn]
        batch["input_ids"][number, drawn + shift] = self._mask
