"""Criteria: what scores a grain. One file = one criterion, found by its name, assigning `CRITERION`.

Those in `saliency` score whole units of a model as it is, from examples, and assign `SALIENCY`; those in
`weight_saliency` score single weights of it, and assign `WEIGHT_SALIENCY`.
"""

from __future__ import annotations

from prune.runtime import registry


def of_masks() -> list[str]:
    """Names of the criteria that score the grains of masks while a model is trained."""
    return sorted(set(registry.names("criteria")) - set(registry.names("saliencies")))


def of_units() -> list[str]:
    """Names of the criteria that score units from a model and examples: the saliencies."""
    return registry.names("saliencies")


def of_weights() -> list[str]:
    """Names of the criteria that score single weights of a model as it is."""
    return registry.names("weight_saliencies")
