"""A small BART, from scratch where no pretrained one is at hand: does it learn, and write the same once compact?

    python -m benchmarks.summarizer prepare <folder of CNN/DailyMail> <folder>
    prune recipe=cnn_dailymail/bart_from_scratch model.path=<folder>/model task.path=<folder>/data
    python -m benchmarks.summarizer compare <folder of the run> --articles 32

The split `learned` holds the training articles again: a few hundred articles can be learned by heart, no more.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset, load_dataset
from rich.console import Console
from rich.table import Table
from safetensors.torch import load_model
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from torch.utils.data import DataLoader
from transformers import BartConfig, DataCollatorWithPadding, PreTrainedModel, PreTrainedTokenizerFast

from prune.compaction import saved_model
from prune.data.features import inputs_only
from prune.methods.fine_pruning.training import masked_model
from prune.pipeline.experiment import Experiment
from prune.pipeline.experiment import prepare as prepare_experiment
from prune.pipeline.method import stages_of
from prune.recipes.reproduction import config_of
from prune.results.layout import RECORD, RunFolder
from prune.results.record import Record
from prune.runtime import library_output
from prune.runtime.screen import Screen

SPECIAL = ["<s>", "<pad>", "</s>", "<unk>"]
SEARCHES = {"greedy": {"num_beams": 1}, "beams": {}}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(required=True)
    first = verbs.add_parser("prepare", help="an untrained model, its tokenizer, and the data")
    first.add_argument("source", type=Path)
    first.add_argument("folder", type=Path)
    first.add_argument("--held-out", type=int, default=100)
    first.set_defaults(call=lambda options: prepare(options.source, options.folder, options.held_out))
    second = verbs.add_parser("compare", help="texts of the masked and the compacted model")
    second.add_argument("run", type=Path)
    second.add_argument("--articles", type=int, default=32)
    second.set_defaults(call=lambda options: compare(RunFolder(options.run), options.articles))
    options = parser.parse_args()
    library_output.libraries()
    options.call(options)


def prepare(source: Path, folder: Path, num_held_out: int) -> None:
    """Writes folder/data and folder/model."""
    files = {split: str(source / f"{split}.parquet") for split in ("train", "validation")}
    data = load_dataset("parquet", data_files=files)
    held_out = data["validation"].select(range(num_held_out))
    (folder / "data").mkdir(parents=True, exist_ok=True)
    for split, rows in {"train": data["train"], "learned": data["train"], "validation": held_out}.items():
        rows.to_parquet(folder / "data" / f"{split}.parquet")
    tokenizer = _tokenizer(data["train"])
    _config(len(tokenizer)).save_pretrained(folder / "model")
    tokenizer.save_pretrained(folder / "model")


def _tokenizer(rows: Dataset) -> PreTrainedTokenizerFast:
    """Byte pairs as BART has them, counted on the articles."""
    pairs = Tokenizer(models.BPE())
    pairs.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    pairs.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=8000, special_tokens=SPECIAL, show_progress=False)
    pairs.train_from_iterator([*rows["article"], *rows["highlights"]], trainer)
    pairs.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    names = ("bos_token", "pad_token", "eos_token", "unk_token")
    return PreTrainedTokenizerFast(tokenizer_object=pairs, **dict(zip(names, SPECIAL, strict=True)))


def _config(vocabulary: int) -> BartConfig:
    sizes: dict[str, Any] = {
        f"{part}_{name}": value
        for part in ("encoder", "decoder")
        for name, value in (("layers", 3), ("attention_heads", 4), ("ffn_dim", 1024))
    }
    return BartConfig(
        vocab_size=vocabulary,
        d_model=256,
        max_position_embeddings=512,
        init_std=1 / 256**0.5,  # BART's 0.02 is made for wider models
        dropout=0.0,
        **sizes,
    )


def compare(run: RunFolder, num_articles: int) -> None:
    """Prints on how many real articles, seen in no training, both models write the same."""
    config = config_of(Record.read(run.path / RECORD))
    experiment = prepare_experiment(config, run, Screen(Console(stderr=True)))
    folders = {stage.name: stage.folder(config) for stage in stages_of(config)}
    masked, masks = masked_model(experiment, folders["dense"])
    load_model(masked, folders["prune"].model / "model.safetensors")
    masks.advance(1.0)
    compact = saved_model.load(run.compacted.model)
    table = Table("search", "cache", "articles", "same text")
    for search, settings in SEARCHES.items():
        for cache in (True, False):
            how = settings | {"use_cache": cache}
            one, other = (texts(model.eval(), experiment, num_articles, **how) for model in (masked, compact))
            same = sum(a == b for a, b in zip(one, other, strict=True))
            table.add_row(search, "yes" if cache else "no", str(len(one)), str(same))
    Console().print(table)


@torch.no_grad()
def texts(model: PreTrainedModel, experiment: Experiment, num_articles: int, **settings: Any) -> list[str]:
    """What `model` writes about the first articles of the last split."""
    features = inputs_only(experiment.examples.features[experiment.config.task.eval_splits[-1]]).remove_columns(
        "labels"
    )
    loader = DataLoader(
        features.select(range(num_articles)),
        batch_size=8,
        collate_fn=DataCollatorWithPadding(experiment.examples.tokenizer),
    )
    found: list[str] = []
    for batch in loader:
        ids = model.generate(**batch, **(experiment.examples.task.generation() | settings))  # type: ignore[operator]
        found += experiment.examples.tokenizer.batch_decode(ids, skip_special_tokens=True)
    return found


if __name__ == "__main__":
    main()
