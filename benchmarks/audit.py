"""How long an audit takes, and how much memory: so many dense and pruned models, on so many examples in three labels.

    python -m benchmarks.audit --models 10 --examples 10000

Predictions are made up; reading them and the data is not part of it. Memory is the most that the process has held,
imports included.
"""

from __future__ import annotations

import argparse
import resource
import time

import numpy as np
from datasets import Dataset

from prune.audit.split import Predicted, audit_split
from prune.config.schema import TaskConfig
from prune.tasks.base import Predictions
from prune.tasks.text_classification import TextClassification

LABELS = ["entailment", "neutral", "contradiction"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=int, default=10, help="of each population")
    parser.add_argument("--examples", type=int, default=10_000)
    options = parser.parse_args()
    generator = np.random.default_rng(0)
    labels = generator.integers(0, len(LABELS), options.examples)
    lengths = generator.integers(3, 40, (2, options.examples))
    texts = [[" ".join(map(str, generator.integers(0, 900, size))) for size in column] for column in lengths]
    genres = [f"genre {number}" for number in generator.integers(0, 10, options.examples)]
    rows = Dataset.from_dict({"a": texts[0], "b": texts[1], "label": labels, "genre": genres})
    task = TextClassification(TaskConfig(text=["a", "b"], labels=LABELS, slices=["genre"]), 0)
    dense, pruned = (
        Predicted([_predictions(labels, accuracy, generator) for _ in range(options.models)])
        for accuracy in (0.84, 0.8)
    )
    start = time.perf_counter()
    audit_split(task, rows, dense, pruned)
    seconds = time.perf_counter() - start
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{options.models} x {options.models} models, {options.examples} examples: {seconds:.1f} s, {most:.2f} GiB")


def _predictions(labels: np.ndarray, accuracy: float, generator: np.random.Generator) -> Predictions:
    chances = generator.dirichlet(np.ones(len(LABELS)), len(labels))
    right = generator.random(len(labels)) < accuracy
    chances[right, labels[right]] += 1.0
    chances /= chances.sum(1, keepdims=True)
    names = [LABELS[label] for label in chances.argmax(1)]
    ids = list(map(str, range(len(labels))))
    return Predictions(dict(zip(ids, names, strict=True)), probabilities=dict(zip(ids, chances.tolist(), strict=True)))


if __name__ == "__main__":
    main()
