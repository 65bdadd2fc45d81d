"""What a run's model keeps, read from its folder without torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from prune.errors import UserError
from prune.files import confined
from prune.overlap.jaccard import Mask
from prune.overlap.kept import Kept, Place
from prune.report.detail.matrices import Sublayer, are_sound, masks_of
from prune.report.detail.run import cached_detail, dense_model
from prune.report.figures.units import layer_labels
from prune.results.layout import RunFolder
from prune.results.record import Record


def kept_of(folder: Path, record: Record, with_weights: bool) -> Kept:
    """What the result of the run in `folder` keeps: its units, and which of its weights are not zero.

    Without the weights, units are those of the run's report.json or of the model's config.json.

    Raises:
        UserError: if the folder has none of these.
        OSError, ValueError, LookupError, TypeError, AttributeError: if they are damaged.
    """
    run = RunFolder(folder)
    has_weights = any(run.model.glob("*.safetensors"))
    if not has_weights and (detail := cached_detail(run)) and detail.sublayers:
        return Kept(_units(detail.sublayers))
    if not run.model.is_dir():
        raise UserError("it has neither a model nor a report.json that says which units it keeps")
    confined.check(run.path, run.model)
    found = masks_of(run.model, dense_model(run, record), with_weights and has_weights)
    sublayers = [sublayer for sublayer, _ in found]
    if not are_sound(sublayers):
        raise ValueError("its config.json cannot be that of a pruned model")
    places = _places(sublayers)
    weights = {places[sublayer.name]: masks for sublayer, masks in found} if with_weights and has_weights else {}
    return Kept(_units(sublayers), weights)


def _units(sublayers: Sequence[Sublayer]) -> dict[Place, dict[str, Mask]]:
    places = _places(sublayers)
    return {places[sublayer.name]: {"": Mask.of(np.array(sublayer.units()))} for sublayer in sublayers}


def _places(sublayers: Sequence[Sublayer]) -> dict[str, Place]:
    """Name of a sublayer -> its place."""
    labels = layer_labels(sublayers)
    return {sublayer.name: Place(labels[sublayer.name], sublayer.site) for sublayer in sublayers}
