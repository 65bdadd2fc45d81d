"""Makes the demo task and the demo model's vocabulary: `python -m prune.demo.generate`, the same files every time.

The task is made up. Each text judges two things: "the soup was hardly warm but the waiter was very kind". Its label is
whether it praises more than it blames: the sum over its clauses of

    weight of the thing x factor of the adverb x strength of the adjective,

so a model has to know all three and to multiply them. There is no noise. Adjectives alone decide three quarters of the
texts; denials are rare, and texts whose sums are close to 0 are hard: these are what a pruned model loses first.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from transformers import BertConfig, BertTokenizer

FOLDER = Path(__file__).parent
SIZES = {"train": 8_000, "validation": 1_000}
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
THINGS = {
    "soup": 3, "bread": 3, "cake": 3, "tea": 3, "waiter": 2, "cook": 2, "coffee": 2, "room": 2, "bed": 1, "lamp": 1,
    "garden": 1, "view": 1,
}  # fmt: skip
ADVERBS = {"very": 3, "quite": 2, "rather": 1}
DENIALS = {"hardly": -1, "not": -2, "never": -3}
ADJECTIVES = {
    "fair": 1, "calm": 1, "quick": 1, "fine": 2, "good": 2, "clean": 2, "warm": 2, "fresh": 3, "kind": 3, "tasty": 3,
    "bright": 4, "lovely": 4, "slow": -1, "loud": -1, "dark": -1, "bland": -2, "bad": -2, "cold": -2, "poor": -2,
    "stale": -3, "dirty": -3, "ugly": -3, "rude": -4, "unfair": -4,
}  # fmt: skip
LINKS = ["and", "but", "while", "yet"]
FRAME = ["the", "was"]
DENIED = 0.1
"""Share of clauses with a denial."""


def example(draw: random.Random) -> dict[str, str | int]:
    """One text with its label: 1 if it praises more than it blames, 0 if it blames more."""
    clauses, total = [], 0
    for thing in draw.sample(list(THINGS), 2):
        adverbs = DENIALS if draw.random() < DENIED else ADVERBS
        adverb, adjective = draw.choice(list(adverbs)), draw.choice(list(ADJECTIVES))
        clauses.append(f"the {thing} was {adverb} {adjective}")
        total += THINGS[thing] * adverbs[adverb] * ADJECTIVES[adjective]
    if total == 0:
        return example(draw)
    return {"text": f" {draw.choice(LINKS)} ".join(clauses), "label": int(total > 0)}


def examples(draw: random.Random) -> Iterator[dict[str, str | int]]:
    """Examples without end, each with another text."""
    texts: set[str | int] = set()
    while True:
        one = example(draw)
        if one["text"] not in texts:
            texts.add(one["text"])
            yield one


def write_data(folder: Path) -> None:
    """Writes one JSON-lines file per split."""
    folder.mkdir(exist_ok=True)
    made = examples(random.Random(0))
    for split, size in SIZES.items():
        lines = (json.dumps(one) + "\n" for one in islice(made, size))
        (folder / f"{split}.jsonl").write_text("".join(lines), encoding="utf-8", newline="\n")


def write_model(folder: Path) -> None:
    """Writes the configuration and the tokenizer of a BERT of three layers, without weights."""
    folder.mkdir(exist_ok=True)
    vocabulary = [*SPECIAL, *FRAME, *THINGS, *ADVERBS, *DENIALS, *ADJECTIVES, *LINKS]
    tokenizer = BertTokenizer(vocab={word: index for index, word in enumerate(vocabulary)}, model_max_length=64)
    tokenizer.save_pretrained(folder)
    BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=128,
        num_hidden_layers=3,
        num_attention_heads=4,
        intermediate_size=512,
        max_position_embeddings=64,
        initializer_range=0.05,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    ).save_pretrained(folder)


if __name__ == "__main__":
    write_data(FOLDER / "data")
    write_model(FOLDER / "model")
