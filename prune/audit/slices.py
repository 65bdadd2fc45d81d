"""Slices of a split: where does the score change more, or less, than everywhere?

As Hooker et al. 2019 (section 3.1) have it for classes: of each model the score on a slice minus its own mean score;
Welch's t-test between the dense and the pruned models' values. Many slices are tested at once, so p-values are
corrected as in Benjamini and Hochberg 1995. Intervals are by bootstrap over models and examples.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import false_discovery_control, ttest_ind_from_stats

from prune.audit.populations import Floats, Population, halvings, membership

_RESAMPLES, _AT_A_TIME = 1000, 100
_QUANTILES = (0.25, 0.5, 0.75)
_MOST_VALUES = 40
"""Of a column: more of them are no slices."""
FEWEST_EXAMPLES = 10
"""Of a slice."""


@dataclass(frozen=True)
class Slice:
    """Some of the examples: those with one value, or range of values, of a column."""

    column: str
    value: str
    members: NDArray[np.bool_]
    """(examples,)"""


@dataclass(frozen=True)
class SliceChange:
    """What pruning changes on a slice; scores are means over models and examples."""

    column: str
    value: str
    examples: int
    dense: float
    pruned: float
    change: float
    """Pruned minus dense."""
    relative_change: float
    """The same minus the change on the whole split."""
    interval: tuple[float, float]
    """95 % of the bootstrap's relative changes."""
    null: float | None
    """95 % of the relative changes between halves of the dense population are no larger; None of a single model."""
    p: float | None
    """Of Welch's test, before the correction; None where a population has a single model, or no spread."""
    p_corrected: float | None


def slices_of(columns: Mapping[str, Sequence[Any]]) -> list[Slice]:
    """The slices of columns, name -> one value per example: each text is one; numbers are parted at their quartiles."""
    found = []
    for name, values in columns.items():
        array = np.asarray(values)
        of_column = _ranges(array) if np.issubdtype(array.dtype, np.number) else _values(array)
        found += [Slice(name, value, members) for value, members in of_column if members.sum() >= FEWEST_EXAMPLES]
    return found


def _values(array: NDArray[Any]) -> list[tuple[str, NDArray[np.bool_]]]:
    different = np.unique(array)
    if not 2 <= len(different) <= _MOST_VALUES:
        return []
    return [(str(value), array == value) for value in different]


def _ranges(array: NDArray[Any]) -> list[tuple[str, NDArray[np.bool_]]]:
    edges = np.unique(np.quantile(array, _QUANTILES, method="lower"))
    numbers = np.searchsorted(edges, array, side="left")
    parts = [(part, numbers == part) for part in np.unique(numbers)]
    if len(parts) < 2:
        return []
    return [(_range(array[members].min(), array[members].max()), members) for _, members in parts]


def _range(low: Any, high: Any) -> str:
    return _number(low) if low == high else f"{_number(low)} to {_number(high)}"


def _number(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, np.floating) else str(value)


def changes(slices: Sequence[Slice], dense: Population, pruned: Population) -> list[SliceChange]:
    """The change on each slice, those that change most relative to the split first."""
    if not slices:
        return []
    members = np.stack([one.members for one in slices]).astype(np.float64)
    sizes = members.sum(1)
    of_dense, of_pruned = (population.scores @ members.T / sizes for population in (dense, pruned))  # (models, slices)
    own = [population.scores.mean(1, keepdims=True) for population in (dense, pruned)]
    relative = of_dense - own[0], of_pruned - own[1]
    p = [welch(relative[0][:, n], relative[1][:, n]) for n in range(len(slices))]
    corrected = _corrected(p)
    low, high = _intervals(members, dense, pruned)
    bands = _null_bands(relative[0])
    differences = relative[1].mean(0) - relative[0].mean(0)
    found = [
        SliceChange(
            column=one.column,
            value=one.value,
            examples=int(sizes[n]),
            dense=float(of_dense[:, n].mean()),
            pruned=float(of_pruned[:, n].mean()),
            change=float(of_pruned[:, n].mean() - of_dense[:, n].mean()),
            relative_change=float(differences[n]),
            interval=(float(low[n]), float(high[n])),
            null=None if bands is None else float(bands[n]),
            p=p[n],
            p_corrected=corrected[n],
        )
        for n, one in enumerate(slices)
    ]
    return sorted(found, key=lambda one: -abs(one.relative_change))


def welch(first: Floats, second: Floats) -> float | None:
    """The two-sided p-value of Welch's t-test; None where it cannot be had."""
    if min(len(first), len(second)) < 2:
        return None
    stats = [(values.mean(), values.std(ddof=1), len(values)) for values in (first, second)]
    if not any(deviation > 1e-12 for _, deviation, _ in stats):
        return None
    return float(ttest_ind_from_stats(*stats[0], *stats[1], equal_var=False).pvalue)


def _corrected(p: list[float | None]) -> list[float | None]:
    known = [value for value in p if value is not None]
    corrected = iter(false_discovery_control(known).tolist() if known else [])
    return [None if value is None else float(next(corrected)) for value in p]


def _intervals(members: Floats, dense: Population, pruned: Population) -> tuple[Floats, Floats]:
    """The 2.5th and the 97.5th percentile of each slice's relative change, over resampled models and examples."""
    generator, drawn = np.random.default_rng(0), []
    number = members.shape[1]
    inside = np.concatenate([members, np.ones((1, number))]).T.astype(np.float32)
    for _ in range(_RESAMPLES // _AT_A_TIME):
        means = [
            generator.multinomial(one.size, np.full(one.size, 1 / one.size), _AT_A_TIME) / one.size @ one.scores
            for one in (pruned, dense)
        ]
        counts = generator.poisson(1.0, (_AT_A_TIME, number)).astype(np.float32)
        sums, sizes = (counts * (means[0] - means[1])).astype(np.float32) @ inside, counts @ inside
        change = sums / np.maximum(sizes, 1)
        drawn.append(change[:, :-1] - change[:, -1:])
    low, high = np.percentile(np.concatenate(drawn), [2.5, 97.5], axis=0)
    return low, high


def _null_bands(relative: Floats) -> Floats | None:
    """`relative`: (models, slices), of the dense population."""
    parted = halvings(len(relative))
    if not parted:
        return None
    first, second = (
        membership([getattr(one, name) for one in parted], len(relative)) @ relative for name in ("first", "second")
    )
    bands: Floats = np.percentile(np.abs(first - second), 95, axis=0)
    return bands
