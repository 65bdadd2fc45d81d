"""What a model is called in tables and folders: its name, and the shape that its run gives it."""

from __future__ import annotations

from collections.abc import Mapping

from prune.files.paths import shipped

_LETTERS = {"num_hidden_layers": "L", "hidden_size": "H", "num_attention_heads": "A", "intermediate_size": "I"}
"""As the small BERTs of Turc et al. 2019 are named: bert_L4_H256."""


def model_name(name: str, default: str, shape: Mapping[str, object]) -> str:
    """`name`, or else the `default`; one that the user did not choose tells the `shape`, too."""
    if not isinstance(shape, Mapping) or not shape or (name and not _is_shipped(name)):  # a reference may lead anywhere
        return name or default
    order = [*(key for key in _LETTERS if key in shape), *sorted(shape.keys() - _LETTERS.keys())]
    values = (f"{_LETTERS[key]}{shape[key]}" if key in _LETTERS else f"{key}_{shape[key]}" for key in order)
    return "_".join([name or default, *values])


def _is_shipped(name: str) -> bool:
    """Whether a choice of the group `model` gives this name, so that the user did not."""
    return name in {file.stem for file in (shipped("configs") / "model").glob("*.yaml")}
