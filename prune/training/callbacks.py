"""What happens beside the steps of a training."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import torch
from accelerate.utils import set_seed
from transformers import TrainerCallback

from prune.masking.masks import Masks
from prune.runtime import distributed
from prune.runtime.memory import trim
from prune.runtime.screen import TrainingProgress

SECONDS, EVALUATED = "seconds", "eval_"
"""In a history: the time that steps have taken until then; what the names of metrics begin with."""
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


class Clock(TrainerCallback):
    """The seconds that steps take; of a training that is taken up again, with those that were logged before."""

    def __init__(self) -> None:
        self.seconds, self._began = 0.0, 0.0

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.seconds = next((entry[SECONDS] for entry in reversed(state.log_history) if SECONDS in entry), 0.0)

    def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._began = time.perf_counter()

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.seconds += time.perf_counter() - self._began


class Evaluate(TrainerCallback):
    """Logs what is measured of a model after so many steps each, and after the last; that changes nothing in it."""

    def __init__(
        self,
        every: int,
        last: int,
        measure: Callable[[], Mapping[str, float]],
        log: Callable[[dict[str, float]], None],
    ):
        self.every, self.last, self.measure, self.log = every, last, measure, log

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if state.global_step % self.every and state.global_step != self.last:
            return
        if distributed.is_main_process():
            with torch.random.fork_rng():
                measured = self.measure()
            self.log({f"{EVALUATED}{name}": value for name, value in measured.items()})


class Show(TrainerCallback):
    """Shows how far a training is, and what it logs."""

    def __init__(self, progress: TrainingProgress):
        self.progress = progress

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
        if "loss" in logs:
            self.progress.update(state.global_step, {shown: logs[key] for key, shown in _SHOWN.items() if key in logs})
