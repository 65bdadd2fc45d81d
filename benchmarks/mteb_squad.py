"""An embedder's scores on `squad_retrieval` as mteb computes them, to be compared with those of `prune evaluate`.

    pip install mteb
    python -m benchmarks.mteb_squad <folder of the model> <file with the columns question and context> --questions 500

The file is a parquet or JSON file. Texts are cut where the model's folder says (`sentence_bert_config.json`).
"""

from __future__ import annotations

import argparse
import json

import mteb
from datasets import load_dataset
from mteb.abstasks.retrieval import AbsTaskRetrieval
from mteb.abstasks.task_metadata import TaskMetadata
from sentence_transformers import SentenceTransformer

_SPLIT = "test"


def task_of(file: str, questions: int | None) -> AbsTaskRetrieval:
    """Each question's own paragraph among all distinct ones of the first `questions` rows."""
    form = "parquet" if file.endswith("parquet") else "json"
    rows = load_dataset(form, data_files=file, split="train")
    rows = rows if questions is None else rows.select(range(questions))
    places = {text: f"d{place}" for place, text in enumerate(dict.fromkeys(rows["context"][:]))}

    class Squad(AbsTaskRetrieval):
        metadata = TaskMetadata(
            name="SquadRetrieval", description="Its own paragraph for each question of SQuAD.", type="Retrieval",
            dataset={"path": file, "revision": "local"}, category="t2t", modalities=["text"], eval_splits=[_SPLIT],
            eval_langs=["eng-Latn"], main_score="ndcg_at_10",
        )  # fmt: skip

        def load_data(self, *_: object, **__: object) -> None:
            self.queries = {_SPLIT: {f"q{row}": text for row, text in enumerate(rows["question"][:])}}
            self.corpus = {_SPLIT: {place: {"title": "", "text": text} for text, place in places.items()}}
            relevant = {f"q{row}": {places[text]: 1} for row, text in enumerate(rows["context"][:])}
            self.relevant_docs = {_SPLIT: relevant}
            self.convert_v1_dataset_format_to_v2(num_proc=None)
            self.data_loaded = True

    return Squad()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("file")
    parser.add_argument("--questions", type=int, help="only the first")
    options = parser.parse_args()
    full = {"dtype": "float32"}  # whatever the weights are stored in
    model = SentenceTransformer(options.model, trust_remote_code=True, device="cpu", model_kwargs=full)
    found = mteb.evaluate(model, task_of(options.file, options.questions), cache=None, overwrite_strategy="always")
    (scores,) = found.task_results[0].scores[_SPLIT]
    shown = {"recall@1": "recall_at_1", "recall@10": "recall_at_10", "mrr@10": "mrr_at_10", "ndcg@10": "ndcg_at_10"}
    print(json.dumps({name: scores[theirs] for name, theirs in shown.items()}))


if __name__ == "__main__":
    main()
