"""The settings of every training of a run, as its config says."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from prune.config.durations import in_steps
from prune.config.schema import Config, Finish, ScheduleConfig
from prune.errors import UserError
from prune.masking.schedule import Cubic
from prune.training.trainer import Training


@dataclass(frozen=True)
class Trainings:
    """Of a run with so many training examples."""

    config: Config
    examples: int
    within_budget: Callable[[Training], int] | None = None
    """How many steps of the unpruned model's training its budget allows; None: there is no budget."""

    @property
    def dense(self) -> Training:
        """That of the unpruned model, with its own dropout."""
        own = replace(self.config.schedule, dropout=None)
        in_epochs = self._of("dense", self._steps(own.dense_epochs, own), own)
        return in_epochs if self.within_budget is None else self._of("dense", self.within_budget(in_epochs), own)

    @property
    def prune(self) -> Training:
        """That with masks."""
        own = self.config.schedule
        return self._of("prune", self._steps(own.epochs, own), own)

    @property
    def fill(self) -> Training:
        """The fill, or what is left of it after the recoveries."""
        return self._filling("fill", 1 - self.config.method.recovery if self.recoveries else 1.0)

    @property
    def recoveries(self) -> list[Training]:
        """What follows each removal step but the last, if anything does; each has examples in an order of its own."""
        method = self.config.method
        if method.finish is not Finish.fill or method.recovery == 0:
            return []
        steps = range(1, method.removal_steps)
        distance = self._filling("fill", 1.0).checkpoint_every
        parts = [self._filling(f"recover{step}", method.recovery / len(steps)) for step in steps]
        return [
            replace(part, seed=part.seed + step, checkpoint_every=distance)
            for step, part in zip(steps, parts, strict=True)
        ]

    def ramp(self, training: Training) -> Cubic:
        """How far masks have moved at each step, from 0 to 1.

        Raises:
            UserError: if warm-up and cool-down leave no step between them.
        """
        cooldown = in_steps(self.config.schedule.cooldown, training.steps)
        try:
            return Cubic(0.0, 1.0, training.steps, training.warmup, cooldown)
        except ValueError as error:
            raise UserError(str(error)) from error

    def _filling(self, name: str, share: float) -> Training:
        own = self.config.schedule
        given = {"warmup": own.fill_warmup, "batch_size": own.fill_batch_size, "learning_rate": own.fill_learning_rate}
        changed = replace(own, **{key: value for key, value in given.items() if value is not None})
        return self._of(name, self._steps(share * own.fill_epochs, changed), changed)

    def _steps(self, epochs: float, schedule: ScheduleConfig) -> int:
        return max(1, round(epochs * math.ceil(self.examples / schedule.batch_size)))

    def _of(self, name: str, steps: int, schedule: ScheduleConfig) -> Training:
        every = schedule.eval_every
        return Training(
            name=name,
            steps=steps,
            warmup=in_steps(schedule.warmup, steps),
            checkpoint_every=max(1, in_steps(schedule.checkpoint_every, steps)),
            batch_size=schedule.batch_size,
            learning_rate=schedule.learning_rate,
            score_learning_rate=schedule.score_learning_rate,
            weight_decay=schedule.weight_decay,
            precision=schedule.precision,
            dropout=schedule.dropout,
            seed=self.config.seed,
            eval_every=None if every is None else max(1, in_steps(every, steps)),
        )
