"""From how many training examples output matrices are refitted."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prune.pipeline.experiment import Experiment


def num_refit_examples(step: int, experiment: Experiment) -> int:
    """Of a removal step. Only the last leaves weights that stay, and takes more."""
    method = experiment.config.method
    number = experiment.examples.number_with(method.refit_tokens)
    return number if step == method.removal_steps else min(number, method.refit_examples)
