"""Dropout of a model that learns: its layers have one probability, wherever an architecture keeps it."""

from __future__ import annotations

from torch import nn


def set_dropout(model: nn.Module, probability: float) -> None:
    """Every dropout of `model` becomes that `probability`, in [0, 1); its config stays as it is.

    Some architectures have modules for it, some keep a number beside what they do themselves.
    """
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = probability
        else:
            for name, value in list(vars(module).items()):
                if "dropout" in name and isinstance(value, float):
                    setattr(module, name, probability)
