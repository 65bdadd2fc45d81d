"""Makes the demo task and the demo model's vocabulary: `python -m prune.demo.generate`, the same files every time.

Each text says something of three things: "the soup was very cold but the waiter was not rude and the tea was quite
fresh". A clause praises if its word is good, or bad and denied; the label is whether most clauses praise.
"""

from __future__ import annotations

import json
import random
from pathlib import Path

from transformers import BertConfig, BertTokenizer

FOLDER = Path(__file__).parent
SIZES = {"train": 8_000, "validation": 1_000}
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
THINGS = ["soup", "bread", "cake", "tea", "coffee", "waiter", "cook", "room", "bed", "lamp", "garden", "view"]
GOOD = ["good", "fine", "kind", "warm", "fresh", "lovely", "calm", "clean", "bright", "tasty", "quick", "fair"]
BAD = ["bad", "poor", "rude", "cold", "stale", "ugly", "loud", "dirty", "dark", "bland", "slow", "unfair"]
DEGREES = ["very", "quite", "rather"]
DENIALS = ["not", "never", "hardly"]
LINKS = ["and", "but", "while", "yet"]
FRAME = ["the", "was"]
CLAUSES = 3


def example(draw: random.Random) -> dict[str, str | int]:
    """One text with its label: 1 if most of its clauses praise, 0 if most of them blame."""
    words, num_praising = [], 0
    for position, thing in enumerate(draw.sample(THINGS, CLAUSES)):
        good, denied = draw.random() < 0.5, draw.random() < 0.3
        words += [draw.choice(LINKS)] if position else []
        words += ["the", thing, "was"]
        words += [draw.choice(DENIALS if denied else DEGREES), draw.choice(GOOD if good else BAD)]
        num_praising += good != denied
    return {"text": " ".join(words), "label": int(num_praising > CLAUSES / 2)}


def write_data() -> None:
    """Writes one JSON-lines file per split."""
    draw = random.Random(0)
    folder = FOLDER / "data"
    folder.mkdir(exist_ok=True)
    for split, size in SIZES.items():
        lines = (json.dumps(example(draw)) + "\n" for _ in range(size))
        (folder / f"{split}.jsonl").write_text("".join(lines), encoding="utf-8")


def write_model() -> None:
    """Writes the configuration and the tokenizer of a BERT of three layers, without weights."""
    folder = FOLDER / "model"
    folder.mkdir(exist_ok=True)
    vocabulary = [*SPECIAL, *FRAME, *THINGS, *GOOD, *BAD, *DEGREES, *DENIALS, *LINKS]
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
    write_data()
    write_model()
