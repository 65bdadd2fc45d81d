"""Probes: further data sets that dense and pruned models are scored on, apart from the task's metric."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from datasets import Dataset
from numpy.typing import NDArray
from transformers import PreTrainedModel

from prune.config import probes
from prune.config.identity import data_seed
from prune.config.schema import Config, ProbeConfig, TaskConfig
from prune.data.fingerprints import cache_key, fingerprint
from prune.errors import UserError
from prune.pipeline.examples import Examples
from prune.results.layout import PredictionFiles, StageFolder
from prune.results.probes import ACCURACY, CHANCE
from prune.tasks.base import Task
from prune.tasks.text_classification import TextClassification

_SCORES = "scores"


@dataclass(frozen=True)
class Probe:
    """One data set."""

    config: ProbeConfig
    task: TextClassification
    """That its rows are read and encoded as."""
    rows: Dataset

    @property
    def labels(self) -> NDArray[np.str_]:
        """(examples,): the name of each true label."""
        names: NDArray[np.str_] = np.asarray(self.config.labels)[self.rows[self.config.label][:]]
        return names

    def scores(self, answers: NDArray[np.str_]) -> dict[str, float]:
        """Accuracy of all answers, and of each group; and what the best constant answer has."""
        right = answers == self.labels
        return {
            ACCURACY: float(right.mean()),
            CHANCE: float(np.unique(self.labels, return_counts=True)[1].max() / len(right)),
            **{name: float(right[members].mean()) for name, members in self._groups()},
        }

    def _groups(self) -> Iterator[tuple[str, NDArray[np.bool_]]]:
        for columns in self.config.groups:
            values = [self._values(column) for column in columns]
            keys = np.asarray(
                [", ".join(map(" ".join, zip(columns, one, strict=True))) for one in zip(*values, strict=True)]
            )
            for key in np.unique(keys):
                yield str(key), keys == key

    def _values(self, column: str) -> list[str]:
        return self.labels.tolist() if column == self.config.label else list(map(str, self.rows[column][:]))


def read_probes(config: Config, task: Task) -> list[Probe]:
    """The probes of a run of `task`, their rows read and checked.

    Raises:
        UserError: for whatever is wrong with a folder, its columns, rows or labels.
    """
    found = [_read(probe, config) for probe in probes.of_task(config.task)]
    for probe in found:
        assert isinstance(task, TextClassification), "the config was not checked"
        for problem in probes.problems_with_labels(probe.config, task.names):
            raise UserError(problem)
    return found


def _read(probe: ProbeConfig, config: Config) -> Probe:
    as_task = TaskConfig(
        name=probe.name, path=probe.path, subset=probe.subset, text=probe.text, encoding=probe.encoding,
        label=probe.label, labels=probe.labels, id=probe.id, train_split=probe.split,
        train_examples=probe.examples, eval_splits=[probe.split], eval_examples=probe.examples,
        max_length=config.task.max_length, slices=sorted({c for group in probe.groups for c in group} - {probe.label}),
    )  # fmt: skip
    task = TextClassification(as_task, data_seed(config))
    try:
        return Probe(probe, task, task.load([probe.split])[probe.split])
    except UserError as error:
        raise UserError(f"task.probes: {error}") from error


def score_probe(probe: Probe, model: PreTrainedModel, examples: Examples, files: PredictionFiles) -> dict[str, float]:
    """The accuracy of `model` on a probe, group by group; its predictions go into `files`.

    The label that a model deems likeliest is translated by `label_of`, as McCoy et al. 2019 do it.
    """
    key = cache_key(_fingerprint(probe, examples), examples.tokenizer, probe.task.config, training=False)
    features = probe.task.features(probe.rows, examples.tokenizer, training=False, fingerprint=key)
    outputs = examples.outputs_of(model, features.remove_columns("labels"))  # which are not the model's
    numbers = np.stack(outputs["logits"]).argmax(-1)
    assert isinstance(examples.task, TextClassification), "the config was not checked"
    translated = [probe.config.label_of.get(name, name) for name in examples.task.names]
    answers = np.asarray(translated)[numbers]
    files.save(predictions=dict(zip(probe.task.ids(probe.rows), answers.tolist(), strict=True)))
    return probe.scores(answers)


def score_once(probe: Probe, model: PreTrainedModel, examples: Examples, folder: StageFolder) -> dict[str, float]:
    """The same of a dense model, which all of its runs share: computed once for the same rows."""
    files = folder.probe(probe.config.name)
    data = f"{_fingerprint(probe, examples)} {probe.config.label_of} {probe.config.groups}"
    kept = _kept(files)
    if kept.get("data") == data:
        return dict(kept[_SCORES])
    scores = score_probe(probe, model, examples, files)
    files.save(scores={"data": data, _SCORES: scores})
    return scores


def _fingerprint(probe: Probe, examples: Examples) -> str:
    return fingerprint(probe.rows, examples.tokenizer)


def _kept(files: PredictionFiles) -> dict[str, Any]:
    try:
        content = json.loads((files.path / f"{_SCORES}.json").read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
