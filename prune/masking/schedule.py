"""Step in, number out: how a threshold, a density or a penalty's weight moves over training."""

from __future__ import annotations

from dataclasses import dataclass

from prune.runtime.wording import counted


@dataclass(frozen=True)
class Cubic:
    """Cubic schedule (Sanh et al. 2020, eq. 4; Zhu and Gupta 2017).

    `start` until step `warmup`, `end` in the last `cooldown` of `total` steps, in between
    end + (start - end) (1 - (t - warmup) / (total - warmup - cooldown))^3.

    Raises:
        ValueError: if warm-up and cool-down leave no step between them.
    """

    start: float
    end: float
    total: int
    warmup: int
    cooldown: int

    def __post_init__(self) -> None:
        if self.warmup + self.cooldown >= self.total:
            raise ValueError(
                f"warm-up ({counted(self.warmup, 'step')}) and cool-down ({counted(self.cooldown, 'step')}) leave "
                f"nothing of {counted(self.total, 'step')} of training: shorten schedule.warmup or schedule.cooldown, "
                "or train longer"
            )

    def __call__(self, step: int) -> float:
        """The value at `step`, 0 to `total`."""
        if step >= self.total - self.cooldown:
            return self.end
        progress = max(0.0, (step - self.warmup) / (self.total - self.warmup - self.cooldown))
        return self.end + (self.start - self.end) * (1.0 - progress) ** 3
