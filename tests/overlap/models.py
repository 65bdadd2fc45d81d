"""Folders of runs whose models keep units and weights that are chosen by hand."""

import numpy as np
from safetensors.numpy import load_file, save_file

from tests.report.folders import configured, measured, save, with_model


def run(outputs, name, heads=(0, 1, 2, 3), dimensions=(0, 1, 2, 3, 4, 5), weights=None, model=True, **values):
    """A run of one layer with 4 heads of 2 features, 6 dimensions and a width of 8.

    Args:
        weights: Draws which weights are kept, given the shape of a matrix; None: all.
        model: Whether its model is there.
    """
    values = {"config": configured(20, note=name), "setting": name} | values
    folder = save(outputs, measured(2, **values), name)
    if model:
        with_model(folder, heads=list(heads), dimensions=list(dimensions))
    if weights is not None:
        file = folder / "model" / "model.safetensors"
        save_file(
            {key: (value * weights(value.shape)).astype(np.float32) for key, value in load_file(file).items()}, file
        )
    return folder


def random_masks(seed, density=0.5):
    """Draws masks that keep this share of a matrix."""
    generator = np.random.default_rng(seed)

    def draw(shape):
        kept = np.zeros(shape).ravel()
        kept[generator.choice(kept.size, round(density * kept.size), replace=False)] = 1
        return kept.reshape(shape)

    return draw
