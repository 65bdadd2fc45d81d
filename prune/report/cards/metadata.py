"""The front matter of a card, which the hub reads."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml
from huggingface_hub import EvalResult, ModelCardData

from prune.config.keys import choices
from prune.files.paths import locate, shipped
from prune.report.cards.usage import PIPELINES, SENTENCE_TRANSFORMERS
from prune.results.record import Record
from prune.runtime.sanitize import one_line

_HUB_NAME = re.compile(r"[\w.-]{1,96}(/[\w.-]{1,96})?", re.ASCII)


def front_matter(record: Record) -> ModelCardData:
    """Base model, data set, metrics and results; metric values are those of the record, not scaled."""
    task, model = record.config["task"], record.config["model"]
    base, dataset = hub_name("model", model), hub_name("task", task)
    kind = one_line(task["kind"]).replace("_", "-")
    _, of_sentences = SENTENCE_TRANSFORMERS.get(task["kind"], ("", ""))
    pipeline = of_sentences or PIPELINES.get(task["kind"])
    return ModelCardData(
        base_model=base,
        datasets=[dataset] if dataset else None,
        metrics=list(map(one_line, task["metrics"])),
        library_name="sentence-transformers" if of_sentences else "transformers",
        pipeline_tag=pipeline,
        tags=["pruned", "prune", *(["sentence-transformers"] if of_sentences else [] if pipeline else [kind])],
        model_name=f"{record.model}-{record.task}-{record.method}",
        eval_results=[
            EvalResult(
                task_type=pipeline or kind,
                dataset_type=dataset or record.task,
                dataset_name=record.task,
                dataset_config=one_line(task.get("subset") or "") or None,
                dataset_split=split,
                metric_type=metric,
                metric_value=value,
            )
            for split, metrics in record.scores.items()
            for metric, value in metrics.items()
            if metric in task["metrics"]
        ],
    )


def hub_name(group: str, settings: Mapping[str, Any]) -> str | None:
    """Of a model or a data set: the hub name that was given or, for a local copy, that of the shipped choice."""
    name, named = settings["name"], [settings["path"]]
    if name in choices(group):
        named.append(yaml.safe_load((shipped("configs") / group / f"{name}.yaml").read_text("utf-8"))["path"])
    return next((path for path in named if _HUB_NAME.fullmatch(path) and locate(path) is None), None)
