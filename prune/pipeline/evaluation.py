"""`prune evaluate`: the metrics of a finished model, whoever trained it, as it is."""

from __future__ import annotations

from transformers import PreTrainedModel

from prune.config.schema import Config
from prune.errors import UserError
from prune.models import loading
from prune.pipeline.examples import read_examples
from prune.pipeline.networks import check_head, check_lengths, finished
from prune.pipeline.task import task_of
from prune.runtime import library_output
from prune.runtime.memory import keep_few_kernels
from prune.runtime.screen import Screen
from prune.tasks.base import Scores


def evaluate(config: Config, screen: Screen) -> dict[str, Scores]:
    """Evaluation split -> metrics of the model in `model.path`: fractions in [0, 1], as records have them.

    Raises:
        UserError: if the data or the model cannot be what the config says, before any weight is read where that shows.
    """
    keep_few_kernels()
    library_output.libraries()
    path, task = config.model.path, task_of(config)
    if task.is_compared:
        raise UserError(
            f"task.metrics={config.task.metrics}: what it is compared with is known to a run alone. Name columns that "
            "make a search, or pairs with a label"
        )
    described = loading.config_of(path)
    check_head(config, task, described)
    task.read_model(path)
    examples = read_examples(config, task, loading.tokenizer(path), screen, training=False)
    check_lengths(described, examples.features)
    model: PreTrainedModel = finished(path, task, "model.path")
    screen.stage("evaluate", f"{path} as it is")
    return {split: task.score(examples.predictions(model, split), examples.rows[split]) for split in task.eval_splits}
