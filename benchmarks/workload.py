"""What the benches of training train, on which batches, and how steps are compared: what their command lines share."""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import torch
from transformers import BertConfig, BertForSequenceClassification

from prune.config.schema import Precision
from prune.measure.environment import processor
from prune.models import loading
from prune.runtime import library_output
from prune.runtime.memory import keep_memory

BATCH_SIZE = 32
LENGTHS = (4, 5, 6, 8, 9, 11, 14, 18, 23, 33)
"""Tokens in SST-2's training sentences: 5th, 15th, ... 95th percentile."""
SHAPES = {
    "minilm": {"hidden_size": 384, "num_hidden_layers": 6, "num_attention_heads": 12, "intermediate_size": 1536},
    "bert_base": {"hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12, "intermediate_size": 3072},
}
Batch = dict[str, torch.Tensor]
Step = Callable[[Batch, int], float]
"""Of a batch and its number: seconds."""


@dataclass(frozen=True)
class Workload:
    """A model and its batches."""

    model: str | None = None
    """Folder of a pretrained BERT; None: random weights."""
    shape: str = "minilm"
    """Of the random weights: one of SHAPES."""
    batch_size: int = BATCH_SIZE
    lengths: tuple[int, ...] = LENGTHS
    """In tokens; all are as frequent."""
    precision: Precision = Precision.float32

    @property
    def words(self) -> list[str]:
        """The command line's words for it."""
        words = ["--shape", self.shape, "--batch-size", str(self.batch_size), "--precision", self.precision.value]
        words += ["--lengths", *map(str, self.lengths)]
        return words + (["--model", self.model] if self.model else [])

    def bert(self) -> BertForSequenceClassification:
        """The model, the same at each call but for what is drawn."""
        if self.model:
            return loading.finished_model(self.model, "AutoModelForSequenceClassification", {"num_labels": 2})
        longest = max(512, *self.lengths)
        return BertForSequenceClassification(
            BertConfig(vocab_size=30522, max_position_embeddings=longest, **SHAPES[self.shape])
        )

    def batch(self, length: int) -> Batch:
        """Random words and labels."""
        ids = torch.randint(1000, 20000, (self.batch_size, length))
        labels = torch.randint(0, 2, (self.batch_size,))
        return {"input_ids": ids, "attention_mask": torch.ones_like(ids), "labels": labels}

    def main_process_first(self, first: Step, second: Step, num_pairs: int) -> list[tuple[int, float, float]]:
        """Length and both times of each pair; all lengths once more at first, to warm up."""
        if num_pairs < len(self.lengths):
            raise SystemExit(f"--pairs={num_pairs}: at least {len(self.lengths)}, one for each length")
        pairs = []
        for pair in range(num_pairs + len(self.lengths)):
            length = self.lengths[pair % len(self.lengths)]
            batch = self.batch(length)
            pairs.append((length, first(batch, pair), second(batch, pair)))
        return pairs[len(self.lengths) :]

    def describe(self, pairs: int) -> str:
        """What the figures are of."""
        where = torch.cuda.get_device_name() if torch.cuda.is_available() else processor()
        what = self.model or f"{self.shape}, random weights"
        size = f"batch {self.batch_size}, lengths {', '.join(map(str, self.lengths))}"
        return f"{where}, {torch.get_num_threads()} threads; {what}; {size}; {pairs} pairs, {self.precision.value}"


def ratio_over_an_epoch(pairs: list[tuple[int, float, float]]) -> float:
    """Time of an epoch of the second over that of the first: all lengths are as frequent, medians of each."""
    by_length = [[pair for pair in pairs if pair[0] == length] for length in dict.fromkeys(pair[0] for pair in pairs)]
    first, second = (sum(statistics.median(pair[which] for pair in some) for some in by_length) for which in (1, 2))
    return second / first


def options_of(
    description: str | None,
    others: Mapping[str, str] = MappingProxyType({}),
    pairs: int = 60,
    lengths: Sequence[int] = LENGTHS,
) -> tuple[Workload, argparse.Namespace]:
    """What the command line says: what to train, and the rest (`pairs`, the `others` with their helps). Then all is
    quiet."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", help="folder of a pretrained BERT; otherwise random weights")
    parser.add_argument("--shape", choices=SHAPES, default="minilm", help="of random weights")
    parser.add_argument("--batch-size", type=int, default=BATCH_SIZE)
    parser.add_argument("--lengths", type=int, nargs="+", default=lengths, help="tokens of the batches in turn")
    parser.add_argument("--precision", choices=[one.value for one in Precision], default="float32")
    parser.add_argument("--pairs", type=int, default=pairs)
    for name, text in others.items():
        parser.add_argument(name, help=text)
    options = parser.parse_args()
    library_output.libraries()
    keep_memory()
    precision = Precision(options.precision)
    return Workload(options.model, options.shape, options.batch_size, tuple(options.lengths), precision), options
