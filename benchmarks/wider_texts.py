"""More texts to distil an embedder on: those of SQuAD's training split, MNLI, QQP and CNN/DailyMail, beside SQuAD's
validation split as it is.

    python -m benchmarks.wider_texts <folder with a folder of each> <folder to write>

Writes train.jsonl and validation.parquet for `task=squad_retrieval`: questions and sentences in the column `question`,
paragraphs in `context`. Articles are cut into pieces as long as a paragraph of SQuAD.
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

from datasets import Dataset

_WORDS = 120
"""Of a piece of an article."""
_SHORT = {
    "squad/train": ("question",),
    "mnli/train": ("premise", "hypothesis"),
    "qqp/train": ("question1", "question2"),
}
_ARTICLES = ("cnn_dailymail/train", "cnn_dailymail/validation", "cnn_dailymail/test")


def _column(source: Path, file: str, name: str) -> list[str]:
    found: list[str] = Dataset.from_parquet(str(source / f"{file}.parquet"))[name][:]
    return found


def _pieces(article: str) -> Iterator[str]:
    words = article.split()
    for start in range(0, len(words) - _WORDS // 2, _WORDS):
        yield " ".join(words[start : start + _WORDS])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    options = parser.parse_args()
    short = [text for file, names in _SHORT.items() for name in names for text in _column(options.source, file, name)]
    articles = [article for file in _ARTICLES for article in _column(options.source, file, "article")]
    long = _column(options.source, "squad/train", "context") + [piece for one in articles for piece in _pieces(one)]
    columns = [list(dict.fromkeys(text for text in texts if text.strip())) for texts in (short, long)]
    options.target.mkdir(parents=True)
    with (options.target / "train.jsonl").open("w") as file:
        for place in range(max(map(len, columns))):
            question, context = (texts[place % len(texts)] for texts in columns)
            row = {"id": str(place), "question": question, "context": context}
            file.write(json.dumps(row) + "\n")
    shutil.copy(options.source / "squad/validation.parquet", options.target)
    print(f"{len(columns[0])} short texts, {len(columns[1])} long ones")


if __name__ == "__main__":
    main()
