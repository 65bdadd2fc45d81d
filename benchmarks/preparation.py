"""Time and memory of making features of as many questions as the whole SQuAD has, from copies of those at hand.

python -m benchmarks.preparation <folder of SQuAD> <folder of a model> --questions 87599
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from datasets import Dataset, concatenate_datasets
from omegaconf import OmegaConf

from prune.config.schema import TaskConfig
from prune.files.paths import shipped
from prune.models import loading
from prune.runtime import library_output
from prune.runtime.memory import peak_memory_bytes
from prune.tasks.question_answering import TASK


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("model")
    parser.add_argument("--questions", type=int, default=87599)
    options = parser.parse_args()
    library_output.libraries()
    with tempfile.TemporaryDirectory() as folder:
        rows = Dataset.from_parquet(str(options.data / "train.parquet"), cache_dir=folder)
        copies = -(-options.questions // len(rows))
        whole = concatenate_datasets([rows] * copies).select(range(options.questions))
        numbers = [str(number) for number in range(len(whole))]
        whole = whole.remove_columns("id").add_column("id", numbers)
        whole.to_parquet(str(Path(folder) / "train.parquet"))
        del rows, whole
        settings = OmegaConf.load(shipped("configs") / "task" / "squad.yaml")
        config = OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(TaskConfig), settings, {"path": folder}))
        task, tokenizer = TASK(config, 0), loading.tokenizer(options.model)
        start = time.perf_counter()
        data = task.load(["train"])["train"]
        features = task.features(data, tokenizer, training=True, fingerprint=None)
        seconds = time.perf_counter() - start
        print(
            f"{len(data)} questions, {len(features)} features, {seconds:.0f} s, "
            f"peak of the process {peak_memory_bytes() / 1e9:.2f} GB"
        )


if __name__ == "__main__":
    main()
