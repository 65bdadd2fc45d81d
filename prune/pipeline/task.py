"""The task of a run; imports neither torch nor transformers, so that a mistake in the data is told at once."""

from __future__ import annotations

from prune.config.identity import data_seed
from prune.config.schema import Config
from prune.runtime import registry
from prune.tasks.base import Task


def task_of(config: Config) -> Task:
    """The task of a run; reads nothing yet."""
    task: Task = registry.module("tasks", config.task.kind).TASK(config.task, data_seed(config))
    return task
