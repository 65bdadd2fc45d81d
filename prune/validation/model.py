"""Models: folders, architectures, and what a method asks of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prune.config.keys import flatten
from prune.config.schema import Config, ModelConfig, Start, TokenOperator
from prune.errors import UserError
from prune.files import strict_json
from prune.files.paths import locate
from prune.masking.grains import TILED
from prune.models.families import family_of_type
from prune.runtime import registry
from prune.runtime.sanitize import shown
from prune.runtime.wording import counted
from prune.validation.names import method_or_none, sites

if TYPE_CHECKING:
    from prune.models.sublayers import Sublayer


def folders(config: Config) -> Iterator[str]:
    """Folders that are not there, hold no weights that may be read, or another task."""
    named = {"model.path": config.model.path, "task.path": config.task.path}
    if config.model.dense:
        named["model.dense"] = config.model.dense
    if config.teacher not in ("dense", "none"):
        named["teacher"] = config.teacher
    for key, name in named.items():
        is_trained = key != "task.path" and (key != "model.path" or config.model.pretrained)
        yield from _folder(key, name, has_weights=is_trained)
        if key in ("model.path", "model.dense") and "pruned_shape" in (_local_shape(name) or {}):
            yield (
                f"{key}={name}: it is a pruned model; name the one that it was pruned from (a teacher may "
                "be pruned, and prune evaluate scores it)"
            )
    for key in ("teacher", "model.dense"):
        if key in named:
            yield from _labels(key, named[key], config)


def finished(config: Config) -> Iterator[str]:
    """The same where the model in `model.path` is finished, and pruned perhaps."""
    yield from _folder("task.path", config.task.path, has_weights=False)
    yield from _folder("model.path", config.model.path, has_weights=True)
    yield from _labels("model.path", config.model.path, config)


def _folder(key: str, name: str, *, has_weights: bool) -> Iterator[str]:
    folder = locate(name)
    if folder is not None and not folder.is_dir():
        yield f"{key}={name}: there is no such folder"
    elif folder is not None and has_weights:
        yield from _weights(key, name, folder)


def _labels(key: str, name: str, config: Config) -> Iterator[str]:
    """A classifier of another number of labels than the task has."""
    shape = _local_shape(name)
    if not config.task.labels or shape is None:
        return
    named = shape.get("id2label")
    labels = len(named) if isinstance(named, dict) and named else 2
    if labels != len(config.task.labels):
        task = f"the task {config.task.name} has {len(config.task.labels)}"
        yield f"{key}={name}: it knows {counted(labels, 'label')}, {task}; name a model of the same task"


def _weights(key: str, name: str, folder: Path) -> Iterator[str]:
    """Pickles are refused before anything is read; where there are no weights at all, loading says so."""
    pickles = sorted(file.name for suffix in ("bin", "pt", "pth", "ckpt") for file in folder.glob(f"*.{suffix}"))
    if pickles and not any(folder.glob("*.safetensors")):
        yield (
            f"{key}={name}: its weights are a pickle ({pickles[0]}), which could run code, and are not read; save them "
            "as safetensors, as save_pretrained does"
        )


def family(config: Config) -> Iterator[str]:
    """Architectures that are not known, and what they cannot do."""
    if (shape := _local_shape(config.model.path)) is not None:
        try:
            family = family_of_type(str(shape.get("model_type")))
        except UserError as error:
            yield f"model.path={config.model.path}: {error}"
            return
        if config.method.layers < 1 and not any(stack.depth for stack in family.stacks):
            yield f"method.layers={config.method.layers}: no layer of {shape['model_type']} can be left out; say 1"
        operator = config.method.tokens.operator
        if operator is not TokenOperator.none and not family.stacks[0].tokens_know_positions:
            yield (
                f"method.tokens.operator={operator.value}: the layers of a {shape['model_type']} are told where tokens "
                "stand, so none can be left out; say none"
            )


def tokens(config: Config) -> Iterator[str]:
    """Pooling of tokens where a task needs them all."""
    operator, kind = config.method.tokens.operator, config.task.kind
    if operator is TokenOperator.none or kind not in registry.names("tasks"):
        return
    if registry.module("tasks", kind).TASK.per_token:
        yield (
            f"method.tokens.operator={operator.value}: task.kind={kind} has an answer for each token, so none can be "
            "left out; say none"
        )


def own_shape(config: Config) -> Iterator[str]:
    """A shape of pretrained weights, which have one already, or too few positions for the texts."""
    model, length = config.model, config.task.max_length
    if model.shape and model.pretrained:
        given = ", ".join(f"model.shape.{one.key}={shown(one.value)}" for one in flatten(model.shape))
        yield f"{given}: pretrained weights have a shape of their own; say model.pretrained=false to train from scratch"
    positions = model.shape.get("max_position_embeddings")
    if isinstance(positions, int) and positions < length:
        yield f"model.shape.max_position_embeddings={shown(positions)}: must be at least task.max_length={length}"


def built(config: Config) -> Iterator[str]:
    """A shape that no model of the architecture has; transformers knows that, which needs torch."""
    if config.model.shape and (shape := _local_shape(config.model.path)) is not None:
        try:
            _sublayers(config.model.path, json.dumps(shape), json.dumps(config.model.shape))
        except UserError as error:
            yield str(error) if str(error).startswith("model.shape") else f"model.shape: {error}"


def scores(config: Config) -> Iterator[str]:
    """What is asked of the scores; criteria know whether they can, which needs torch."""
    method = method_or_none(config)
    if config.schedule.start_from is not Start.one_shot or method is None or method.scores_units:
        return
    for name, site in sites(config):
        if not site.stays and not registry.module("criteria", site.criterion).CRITERION.learned:
            yield (
                f"schedule.start_from=one_shot: method.{name}.criterion={site.criterion} learns no scores that could "
                "start from anything; say dense, or another criterion"
            )


def shape(config: Config) -> Iterator[str]:
    """A shape for masks that cannot take one; criteria know that, which needs torch."""
    method = method_or_none(config)
    if config.method.shape and method is not None and not method.takes_shape(config):
        yield (
            f"method.shape: {config.method.name} does not remove whole heads and dimensions by masks of 0 and 1; say "
            "method.shape=[]"
        )


def blocks(config: Config) -> Iterator[str]:
    """Whether blocks divide all matrices: their sizes are those of the model's code, which needs transformers."""
    blocks = {name: site.block for name, site in sites(config) if site.grain in TILED}
    if not blocks or (shape := _local_shape(config.model.path)) is None:
        return
    sublayers = _sublayers(config.model.path, json.dumps(shape), json.dumps(config.model.shape))
    for name, block in blocks.items():
        yield from _block(name, block, sublayers)


def of_method(config: Config) -> Iterator[str]:
    """What the method cannot do with this model."""
    if (method := method_or_none(config)) is not None:
        yield from method.problems_with_model(config)


@lru_cache(maxsize=8)
def _sublayers(path: str, _shape: str, own_shape: str) -> list[Sublayer]:
    """Of the model in a folder whose config.json says `_shape`; a sweep checks the same one many times."""
    from prune.models.architecture import skeleton, sublayers_of
    from prune.models.loading import config_of_run

    return sublayers_of(skeleton(config_of_run(ModelConfig(path=path, shape=json.loads(own_shape)))))


def _block(name: str, block: list[int], sublayers: list[Sublayer]) -> Iterator[str]:
    if len(block) != 2 or min(block) < 1:
        yield f"method.{name}.block={block}: must be two numbers above 0, rows and columns"
        return
    for matrix in (m for s in sublayers if s.site == name for m in s.matrices):
        if matrix.rows % block[0] or matrix.columns % block[1]:
            where = f"{matrix.module}, which is {matrix.rows} x {matrix.columns}"
            yield f"method.{name}.block={block}: does not divide {where}"
            return


def _local_shape(name: str) -> dict[str, Any] | None:
    """config.json of a local model folder; None for a hub name, or where it cannot be read (found later)."""
    folder = locate(name)
    try:
        return None if folder is None else strict_json.read(folder / "config.json")
    except (FileNotFoundError, UserError):
        return None
