"""What the settings of rounds mean."""

from __future__ import annotations

from collections.abc import Iterator

from prune.config.schema import Config, Control, RateOf
from prune.masking.grains import GRAINS
from prune.pipeline import sparse_settings
from prune.runtime.sanitize import shown
from prune.runtime.wording import counted

PRETRAINED, LEARNING_RATE, NOWHERE = "pretrained", "learning_rate", "none"
"""What `method.rewind` says, beside a part of the dense model's training."""
_NOTHING = 1e-9
"""Density below which nothing is left, as computers add."""
_CONTROLS = tuple(control for control in Control if control is not Control.none)


def rounds_of(config: Config) -> list[int]:
    """The rounds after which there is a result.

    Raises:
        ValueError: if it is neither a number nor a list of numbers, from 1.
    """
    asked = config.method.rounds
    numbers = asked if isinstance(asked, list) else [asked]
    if not numbers or any(type(number) is not int or number < 1 for number in numbers):
        raise ValueError("must be a number of rounds, or a list of rounds such as [4, 6], from 1")
    return sorted(set(numbers)) if isinstance(asked, list) else list(range(1, asked + 1))


def density_after(config: Config, number: int) -> float:
    """Fraction of the prunable weights that is left after so many rounds."""
    rate = config.method.rate
    return 1 - number * rate if config.method.rate_of is RateOf.original else float((1 - rate) ** number)


def keeps_weights(config: Config) -> bool:
    """Whether a round goes on with the weights that were trained."""
    return config.method.rewind in (LEARNING_RATE, NOWHERE)


def prunes_units(config: Config) -> bool:
    """Whether whole units go, not single weights."""
    sites = (config.method.attention, config.method.feed_forward)
    return any(GRAINS[site.grain].whole_units for site in sites if not site.stays)


def setting(config: Config) -> str:
    """The density after the rounds, and the control."""
    densities = ", ".join(f"{density_after(config, number):g}" for number in rounds_of(config))
    return sparse_settings.with_control(f"density {densities}", config)


def problems(config: Config) -> Iterator[str]:
    """What makes no sense."""
    method = config.method
    try:
        last = rounds_of(config)[-1]
    except ValueError as error:
        yield f"method.rounds={shown(method.rounds)}: {error}"
    else:
        if density_after(config, last) < _NOTHING:
            yield (
                f"method.rounds={shown(method.rounds)}: {counted(last, 'round')} of method.rate={method.rate:g} of the "
                f"original weights would remove everything; say at most {_most_rounds(method.rate)}, or "
                "method.rate_of=remaining"
            )
    yield from sparse_settings.problems_with_duration("rewind", config, PRETRAINED, LEARNING_RATE, NOWHERE)
    yield from sparse_settings.problems(config, _CONTROLS)
    if method.control is Control.layers_permuted and keeps_weights(config):
        yield (
            f"method.control=layers_permuted: method.rewind={method.rewind} goes on with trained weights, which are "
            f"not permuted; say method.rewind={PRETRAINED}"
        )
    units = {GRAINS[s.grain].whole_units for s in (method.attention, method.feed_forward) if s.grain in GRAINS}
    if len(units) > 1:
        yield "method: one site prunes single weights, the other whole units, which do not compare; say none for one"
    if method.pooler and True in units:
        yield "method.pooler=true: whole units are pruned, and the pooler has none; say false"


def _most_rounds(rate: float) -> int:
    return int((1 - _NOTHING) / rate)
