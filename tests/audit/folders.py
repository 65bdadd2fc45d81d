"""Run folders made by hand: pairs of texts with three labels, which some models get right less often."""

import json
from dataclasses import asdict, replace

import numpy as np

from prune.config.schema import Config, MethodConfig, ModelConfig, SiteConfig, TaskConfig
from prune.pipeline.shared_stages import DENSE
from prune.results.layout import run_folder
from tests.report.records import record

LABELS = ["bad", "fair", "good"]
NUMBER = 60
PLANTED = 7
"""The example that all pruned models get wrong."""


def reviews():
    """The examples."""
    return [
        {"text": f"the soup was {'very ' * (n % 5)}number {n}", "other": "the soup" if n % 2 else "a dish of bread",
         "label": n % 3, "genre": f"g{n % 4}"}
        for n in range(NUMBER)
    ]  # fmt: skip


def answers_of(seed, *, pruned, accuracy=0.9):
    """Id -> label: right so often; pruned models get the planted example wrong, dense ones right."""
    generator = np.random.default_rng((seed, pruned))
    labels = np.arange(NUMBER) % 3
    given = np.where(generator.random(NUMBER) < accuracy, labels, (labels + 1) % 3)
    given[PLANTED] = (labels[PLANTED] + pruned) % 3
    return {str(n): LABELS[label] for n, label in enumerate(given)}


def accuracy_of(answers):
    return float(np.mean([answer == LABELS[int(n) % 3] for n, answer in answers.items()]))


def review_config(outputs, seed, method="struct", **task):
    """The config of a run on them."""
    site = SiteConfig("soft_movement", "dimension")
    kind = TaskConfig(
        name="reviews", path="reviews", text=["text", "other"], labels=LABELS, train_split="train", **task
    )
    return Config(
        model=ModelConfig(name="small", path="someone/small"),
        task=kind,
        method=MethodConfig(name=method, attention=replace(site, grain="head"), feed_forward=site),
        seed=seed,
        outputs=str(outputs),
    )


def leave_run(config, data="abc", dense=None, pruned=None, probabilities=False):
    """Leaves what a run does that has been sent without its models; returns its folder."""
    folder, dense_folder = run_folder(config), DENSE.folder(config)
    given = {
        dense_folder: dense or answers_of(config.seed, pruned=False),
        folder: pruned or answers_of(config.seed, pruned=True),
    }
    for where, answers in given.items():
        sure = {id_: [0.8 if name == answer else 0.1 for name in LABELS] for id_, answer in answers.items()}
        where.predictions("validation").save(predictions=answers, probabilities=sure if probabilities else {})
    values = {"value": accuracy_of(given[folder]), "dense_value": accuracy_of(given[dense_folder])}
    one = record(
        task=config.task.name,
        model=config.model.name,
        method=config.method.name,
        seed=config.seed,
        config=asdict(config),
        setting="penalty 10",
        scores={"validation": {"accuracy": values["value"]}},
        dense_scores={"validation": {"accuracy": values["dense_value"]}},
        environment={"python": "3.11", "data": {"validation": data}},
        **values,
    )
    folder.record.write_text(json.dumps(asdict(one)))
    return folder
