"""What a recipe promises: the figures that its author measured or read, and how near a run must come to them.

Imports nothing heavy: a mistake in it is found when the recipe is read.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass
class ToleranceConfig:
    scores: float | None = None
    """Largest difference of a score, as a fraction (0.01 is one point). null: see prune/recipes/verification.py."""
    density: float | None = None
    """Largest difference of the density, likewise."""
    speedup: float | None = None
    """Largest difference of the speed-up, as a share of the reference's."""


@dataclass
class EnvironmentConfig:
    """What a reference was made with; a run fills it in (prune/measure/environment.py)."""

    python: str | None = None
    """Its version."""
    packages: dict[str, str] = field(default_factory=dict)
    """Package -> version."""
    system: str | None = None
    """Operating system and architecture."""
    processor: str | None = None
    """Its name."""
    cores: int | None = None
    """Their number."""
    processes: int | None = None
    """Processes that shared the run."""
    threads: int | None = None
    """Threads that torch computed with, in each."""
    gpu: str | None = None
    """Its name; null: none."""
    commit: str | None = None
    """Of the checkout."""
    data: dict[str, str] = field(default_factory=dict)
    """Split -> fingerprint of its rows and of the vocabulary."""


@dataclass
class ReferenceConfig:
    """The figures that a recipe must reproduce."""

    source: str = ""
    """Where these figures stand, or which run gave them."""
    scores: dict[str, dict[str, float]] = field(default_factory=dict)
    """Split -> metric -> value, a fraction in [0, 1]; the main split and its main metric first."""
    dense_scores: dict[str, dict[str, float]] = field(default_factory=dict)
    """The same of the unpruned model."""
    linear_density: float | None = None
    """Non-zero weights of the prunable layers over all weights of these layers in the dense model, in (0, 1]."""
    speedup: float | None = None
    """Dense time over pruned time, above 0."""
    hardware: str = ""
    """What the speed-up was measured on: device and number format."""
    measured: str = ""
    """How it was measured: batch size and length."""
    environment: EnvironmentConfig = field(default_factory=EnvironmentConfig)
    """Versions, machine and data."""
    tolerance: ToleranceConfig = field(default_factory=ToleranceConfig)
    """How near is near enough, where it is not to follow from the environment."""

    @property
    def is_given(self) -> bool:
        """Whether it says anything."""
        return self != ReferenceConfig()

    @property
    def main_score(self) -> tuple[str, float] | None:
        """Name and value of the main metric on the main split."""
        for metrics in self.scores.values():
            for metric, value in metrics.items():
                return metric, value
        return None


def problems_of(reference: ReferenceConfig) -> Iterator[str]:
    """What no reference can say."""
    if reference.is_given and not reference.source:
        yield "reference.source is empty: say where the figures stand"
    for name in ("scores", "dense_scores"):
        for split, metrics in getattr(reference, name).items():
            for metric, value in metrics.items():
                if not 0 <= value <= 1:
                    yield f"reference.{name}.{split}.{metric}={value}: must be a fraction, at least 0, at most 1"
    density, speedup = reference.linear_density, reference.speedup
    if density is not None and not 0 < density <= 1:
        yield f"reference.linear_density={density}: must be above 0, at most 1"
    if speedup is not None and not (speedup > 0 and math.isfinite(speedup)):
        yield f"reference.speedup={speedup}: must be above 0"
    if speedup is not None and not reference.hardware:
        yield f"reference.speedup={speedup}: say in reference.hardware what it was measured on"
    for name in ("scores", "density", "speedup"):
        value = getattr(reference.tolerance, name)
        if value is not None and not (value >= 0 and math.isfinite(value)):
            yield f"reference.tolerance.{name}={value}: must be at least 0"
