"""What happens beside the steps of a training."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from accelerate.utils import set_seed
from transformers import TrainerCallback

from prune.masking.masks import Masks
from prune.runtime.memory import trim
from prune.runtime.screen import TrainingProgress

_NUM_TRIMS = 20
_SHOWN = {
    "loss": "loss",
    "penalty_loss": "penalty",
    "density_attention": "density of attention",
    "density_feed_forward": "of feed-forward",
}


class Trim(TrainerCallback):
    """Gives free memory back a few times in a training: batches of many lengths leave holes that no later one fits."""

    def __init__(self, steps: int):
        self.distance = -(-steps // _NUM_TRIMS)

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if state.global_step % self.distance == 0:
            trim()


class StopAfter(TrainerCallback):
    """Ends a training after a step, whatever its schedule says."""

    def __init__(self, step: int):
        self.step = step

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        control.should_training_stop = control.should_training_stop or state.global_step >= self.step


class OwnNoise(TrainerCallback):
    """Each process draws dropout and gates of its own, since it has examples of its own."""

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if args.world_size > 1:
            set_seed(args.seed, device_specific=True)


class AdvanceMasks(TrainerCallback):
    """Moves masks along their schedule before each step."""

    def __init__(self, masks: Masks, ramp: Callable[[int], float]):
        self.masks, self.ramp = masks, ramp

    def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.masks.advance(self.ramp(state.global_step), state.global_step)


class Show(TrainerCallback):
    """Shows how far a training is, and what it logs."""

    def __init__(self, progress: TrainingProgress):
        self.progress = progress

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
        if "loss" in logs:
            self.progress.update(state.global_step, {shown: logs[key] for key, shown in _SHOWN.items() if key in logs})
