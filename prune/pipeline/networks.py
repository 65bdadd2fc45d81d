"""The models of a run: the one it begins with, others for the same task, and where their sublayers are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import transformers
from datasets import Dataset
from transformers import PreTrainedConfig, PreTrainedModel

from prune.compaction import saved_model
from prune.compaction.depth import Depth, depth_of, shallower, shallower_config
from prune.compaction.first_token import first_token_suffices
from prune.compaction.structure import is_pruned
from prune.compaction.tokens import TokenPooling
from prune.config.schema import Config, Start, TokenOperator, TokensConfig
from prune.data.features import LENGTH
from prune.errors import UserError
from prune.files.paths import locate
from prune.models import loading
from prune.models.architecture import longest_input, skeleton, sublayers_of
from prune.models.sublayers import Sublayer
from prune.results.layout import StageFolder
from prune.tasks.base import Task


@dataclass(frozen=True)
class Networks:
    """How the models of a run are made."""

    config: Config
    task: Task
    dense_config: PreTrainedConfig
    dense_sublayers: list[Sublayer]
    sublayers: list[Sublayer]
    """Those of the layers that stay."""
    depth: Depth
    pooling: TokenPooling
    """Where the compact model pools its tokens."""
    pad_token_id: int | None

    def fresh(self) -> PreTrainedModel:
        """The model of the config with a new head; draws from the global generator."""
        if not self.config.model.pretrained:
            return self.random()
        return self.task.adapt(loading.fresh_model(self.config.model.path, self.task.auto_class, self._settings))

    def random(self) -> PreTrainedModel:
        """The same with random weights everywhere; draws from the global generator."""
        return self.task.adapt(loading.random_model(self.config.model, self.task.auto_class, self._settings))

    @property
    def _settings(self) -> dict[str, Any]:
        return {"pad_token_id": self.pad_token_id, **self.task.model_settings()}

    def finished(self, path: str, option: str) -> PreTrainedModel:
        """A model for the same task that others may have trained, a pruned one, too; `option` is what names it."""
        return finished(path, self.task, option)

    def dense(self, folder: StageFolder) -> PreTrainedModel:
        """The unpruned model that a stage has left in `folder`."""
        return self.task.adapt(loading.finished_model(str(folder.model), self.task.auto_class))

    def without_dropped_layers(self, folder: StageFolder) -> PreTrainedModel:
        """The same without the layers that `method.layers` drops; the stage may have dropped them already."""
        model = self.dense(folder)
        return model if len(sublayers_of(model)) == len(self.sublayers) else self._shallower(model)

    def pruned(self, folder: Path) -> PreTrainedModel:
        """The pruned model in `folder`."""
        return self.task.adapt(saved_model.load(folder))

    def start(self, dense: StageFolder) -> PreTrainedModel:
        """The model that pruning starts from; draws from the global generator."""
        model = self.fresh() if self.config.schedule.start_from is Start.pretrained else self.dense(dense)
        return self._shallower(model) if self.depth.kept else model

    def _shallower(self, model: PreTrainedModel) -> PreTrainedModel:
        return self.task.adapt(shallower(model, self.depth))

    @property
    def first_token_only(self) -> bool:
        """Whether the compact model leaves out the tokens that nothing reads."""
        asked = self.config.compact.first_token_only
        return asked and first_token_suffices(self.task.auto_class, self.sublayers)


def finished(path: str, task: Task, option: str) -> PreTrainedModel:
    """A model for `task` as it was saved, dense or pruned; `option` is the key that names it."""
    if (folder := locate(path)) and is_pruned(folder):
        model = saved_model.load(folder)
    else:
        model = loading.finished_model(path, task.auto_class, option=option)
    fitting = getattr(transformers, task.auto_class)._model_mapping[type(model.config)].__name__
    if (name := type(model).__name__) != fitting:
        raise UserError(f"{option}={path}: it is a {name}; a model of task.kind={task.config.kind} is a {fitting}")
    loading.align_labels(model, task.model_settings().get("id2label"), option)
    return task.adapt(model, path)


def check_lengths(config: PreTrainedConfig, features: Mapping[str, Dataset]) -> None:
    """Raises a UserError for an input that is longer than a model of `config` can read."""
    if (most := longest_input(config)) is None:
        return
    for split, of_split in features.items():
        if (length := int(max(of_split[LENGTH][:], default=0))) > most:
            raise UserError(
                f"task.max_length: the split {split!r} has an input of {length} tokens, and the model, a "
                f"{config.model_type}, reads {most} at most. Say task.max_length={most}"
            )


def describe_networks(config: Config, task: Task, pad_token_id: int | None) -> Networks:
    """Finds the sublayers of a run's models.

    Raises:
        UserError: if its model, its teacher or its dense model cannot be what the config asks for.
    """
    dense_config = loading.config_of_run(config.model)
    check_head(config, task, dense_config)
    depth = depth_of(dense_config, config.method.layers)
    if config.method.layers < 1 and not depth.kept:
        share, name = config.method.layers, dense_config.model_type
        raise UserError(f"method.layers={share}: no layer of this {name} would be left out; say less, or 1")
    _check_others(config, dense_config)
    dense_sublayers = sublayers_of(skeleton(dense_config))
    sublayers = sublayers_of(skeleton(shallower_config(dense_config, depth)))
    pooling = _pooling(config.method.tokens, sublayers)
    return Networks(config, task, dense_config, dense_sublayers, sublayers, depth, pooling, pad_token_id)


def _pooling(tokens: TokensConfig, sublayers: list[Sublayer]) -> TokenPooling:
    """Raises a UserError where the model has no such layers."""
    if tokens.operator is TokenOperator.none:
        return TokenPooling()
    pooling = TokenPooling(tokens.operator.value, tuple(tokens.after), tuple(tokens.keep))
    try:
        pooling.check(sublayers)
    except ValueError as error:
        raise UserError(f"method.tokens: {error}") from error
    return pooling


def check_head(config: Config, task: Task, dense_config: PreTrainedConfig) -> None:
    """Raises a UserError unless transformers has a model of this architecture for the task."""
    mapping = getattr(transformers, task.auto_class)._model_mapping
    if type(dense_config) in mapping and not (task.encoders_only and dense_config.is_encoder_decoder):
        return
    raise UserError(
        f"model.path={config.model.path}: a {dense_config.model_type} has no head for task.kind={config.task.kind}; "
        f"name a model of another architecture, of which transformers has an {task.auto_class}"
    )


def _check_others(config: Config, dense_config: PreTrainedConfig) -> None:
    """Weights that are there, and a teacher whose layers can be learned from."""
    for option, path in (("teacher", config.teacher), ("model.dense", config.model.dense)):
        if path in ("dense", "none", None):
            continue
        other = loading.config_of(path, option)
        loading.check_weights(path)
        learns_layers = option == "teacher" and config.distillation.alpha_layers > 0
        if learns_layers and other.hidden_size != dense_config.hidden_size:
            raise UserError(
                f"teacher={path}: its layers are {other.hidden_size} wide, those of model.path are "
                f"{dense_config.hidden_size}; with distillation.alpha_layers they must be equal"
            )
