"""Candidates for a reranker, from questions and their paragraphs: those that BM25 finds best, and the right one.

    python -m benchmarks.candidates <folder of SQuAD> <folder to write> --questions 2000 --candidates 20

Writes train.jsonl and validation.jsonl with the columns query, document and label, for `task=reranking`.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import bm25s
import numpy as np
from datasets import Dataset

_SEED = 0


def candidates_of(questions: list[str], own: list[str], documents: list[str], number: int) -> list[list[str]]:
    """Of each question `number` of the `documents`: those that BM25 ranks best; its `own` in place of the last of them
    where it is not there."""
    index = bm25s.BM25()
    index.index(bm25s.tokenize(documents, show_progress=False), show_progress=False)
    best, _ = index.retrieve(bm25s.tokenize(questions, show_progress=False), k=number, show_progress=False)
    found = [[documents[place] for place in of_question] for of_question in best]
    return [texts if right in texts else [*texts[:-1], right] for texts, right in zip(found, own, strict=True)]


def write_candidates(source: Path, target: Path, questions: int, number: int) -> None:
    """A file for each split; questions are drawn, documents are all paragraphs of the split."""
    target.mkdir(parents=True, exist_ok=True)
    for split in ("train", "validation"):
        rows = Dataset.from_parquet(str(source / f"{split}.parquet"))
        documents = list(dict.fromkeys(rows["context"][:]))
        drawn = np.sort(np.random.default_rng(_SEED).choice(len(rows), min(questions, len(rows)), replace=False))
        rows = rows.select(drawn)
        asked, own = rows["question"][:], rows["context"][:]
        with (target / f"{split}.jsonl").open("w") as file:
            for query, right, texts in zip(asked, own, candidates_of(asked, own, documents, number), strict=True):
                for text in texts:
                    file.write(json.dumps({"query": query, "document": text, "label": float(text == right)}) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--questions", type=int, default=2000, help="of each split, drawn")
    parser.add_argument("--candidates", type=int, default=20, help="of each question")
    options = parser.parse_args()
    write_candidates(options.source, options.target, options.questions, options.candidates)


if __name__ == "__main__":
    main()
