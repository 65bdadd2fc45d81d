"""The curves of a run in TensorBoard, Weights & Biases or MLflow, through transformers' own callbacks.

A run has one tracker of each kind, which its stages share: `train/<stage>/<curve>`. Its files lie in the run's folder;
nothing is sent anywhere, unless the tracker's own environment variables say so.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from transformers import TrainerCallback
from transformers.integrations.integration_utils import MLflowCallback, TensorBoardCallback, WandbCallback

from prune.config.keys import flatten
from prune.config.schema import Config
from prune.results.layout import RunFolder
from prune.runtime import distributed

_PROJECT = "prune"
_LONGEST = 500
"""Characters of a parameter in MLflow."""


@dataclass
class Tracking:
    """The trackers of one run, opened by its first training."""

    config: Config
    folder: RunFolder
    _open: list[TrainerCallback] = field(default_factory=list)

    def callbacks(self, stage: str) -> Sequence[TrainerCallback]:
        """What tells the trackers of a training."""
        if not self._open and distributed.is_main_process():
            name = self.folder.path.relative_to(self.config.outputs).as_posix()
            for kind in dict.fromkeys(self.config.tracking):
                tracker, path = TRACKERS[kind], self.folder.tracking / kind
                path.mkdir(parents=True, exist_ok=True)
                self._open.append(tracker(path.resolve(), name, asdict(self.config)))
        return [_OfStage(tracker, stage) for tracker in self._open]

    def close(self) -> None:
        """Ends them."""
        for tracker in self._open:
            if isinstance(tracker, (_Wandb, _MLflow)):
                tracker.end()
        self._open.clear()


class _OfStage(TrainerCallback):
    """Hands a training's logs on to a tracker, under the name of its stage."""

    def __init__(self, tracker: Any, stage: str):
        self.tracker, self.stage = tracker, stage

    def on_train_begin(self, args: Any, state: Any, control: Any, **others: Any) -> None:
        self.tracker.on_train_begin(args, state, control, **others)

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **others: Any) -> None:
        named = {f"{self.stage}/{curve}": value for curve, value in logs.items()}
        self.tracker.on_log(args, state, control, logs=named, **others)

    def on_train_end(self, args: Any, state: Any, control: Any, **others: Any) -> None:
        self.tracker.on_train_end(args, state, control, **others)


class _TensorBoard(TensorBoardCallback):
    def __init__(self, path: Path, name: str, config: Mapping[str, Any]):
        super().__init__()  # type: ignore[no-untyped-call]
        self.logging_dir = str(path)


class _Wandb(WandbCallback):
    """Offline, unless WANDB_MODE says otherwise."""

    def __init__(self, path: Path, name: str, config: Mapping[str, Any]):
        os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
        super().__init__()  # type: ignore[no-untyped-call]
        self.path, self.name, self.config = path, name, config

    def setup(self, args: Any, state: Any, model: Any, **_: Any) -> None:
        self._initialized = True
        self._wandb.init(
            project=os.environ.get("WANDB_PROJECT", _PROJECT),
            name=self.name,
            config=dict(self.config),
            dir=self.path.parent,  # in which it makes a folder `wandb`
            mode=os.environ.get("WANDB_MODE", "offline"),
            settings=self._wandb.Settings(silent=True, console="off"),
        )
        self._wandb.define_metric("train/global_step")
        self._wandb.define_metric("*", step_metric="train/global_step")

    def end(self) -> None:
        self._wandb.finish()


class _MLflow(MLflowCallback):
    """In files, unless MLFLOW_TRACKING_URI says otherwise."""

    _async_log = False

    def __init__(self, path: Path, name: str, config: Mapping[str, Any]):
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")  # a database needs more packages
        super().__init__()  # type: ignore[no-untyped-call]
        self.path, self.name, self.config = path, name, config

    def setup(self, args: Any, state: Any, model: Any) -> None:
        self._initialized = True
        logging.getLogger("mlflow").setLevel(logging.WARNING)
        self.given = os.environ.get("MLFLOW_TRACKING_URI")
        self._ml_flow.set_tracking_uri(self.given or self.path.as_uri())  # which sets the variable, too
        self._ml_flow.set_experiment(os.environ.get("MLFLOW_EXPERIMENT_NAME", _PROJECT))
        self._ml_flow.start_run(run_name=self.name)
        values = {one.key: str(one.value)[:_LONGEST] for one in flatten(dict(self.config))}
        self._ml_flow.log_params(values)

    def end(self) -> None:
        self._ml_flow.end_run()
        self._ml_flow.set_tracking_uri(self.given)


TRACKERS: Mapping[str, Callable[[Path, str, Mapping[str, Any]], TrainerCallback]] = {
    "tensorboard": _TensorBoard,
    "wandb": _Wandb,
    "mlflow": _MLflow,
}
