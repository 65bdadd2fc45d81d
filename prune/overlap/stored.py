"""The comparisons that `prune overlap` left, read again. Whoever sent the folder may have written anything there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prune.overlap.comparison import Comparison, Figures, Layer, Pair
from prune.overlap.formats import VERSION
from prune.overlap.kept import DIMENSIONS, HEADS, WEIGHTS
from prune.results.typed import check_of

_CHECK = check_of(list[Comparison])


def comparisons_in(content: Any) -> list[Comparison]:
    """The comparisons that the content of overlap.json holds, in one version of its form.

    Raises:
        ValueError: if it cannot be what `prune overlap` wrote.
    """
    if not isinstance(content, Mapping) or content.get("version") != VERSION:
        raise ValueError(f"it is not of version {VERSION}")
    if (place := _CHECK(content.get("comparisons"))) is not None:
        raise ValueError(f"comparisons{place}: it is none that prune overlap wrote")
    try:
        found = [_comparison(one) for one in content["comparisons"]]
    except (TypeError, LookupError) as error:
        raise ValueError(f"comparisons: {error}") from error
    if not all(map(_is_sound, found)):
        raise ValueError("comparisons: their numbers do not agree")
    return found


def _comparison(content: Mapping[str, Any]) -> Comparison:
    return Comparison(**{**content, "pairs": [_pair(one) for one in content["pairs"]]})


def _pair(content: Mapping[str, Any]) -> Pair:
    layers = [Layer(**{**one, "figures": Figures(**one["figures"])}) for one in content["layers"]]
    return Pair(**{**content, "figures": Figures(**content["figures"]), "layers": layers})


def _is_sound(comparison: Comparison) -> bool:
    known = comparison.kind in (HEADS, DIMENSIONS, WEIGHTS) and len(comparison.members) == len(comparison.runs)
    return known and all(
        0 <= pair.first <= pair.second < len(comparison.members) and _are_shares(pair.figures)
        for pair in comparison.pairs
    )


def _are_shares(figures: Figures) -> bool:
    values = [figures.jaccard, figures.expected, figures.excess, figures.deviation]
    return values == [None] * len(values) or all(value is not None and -1 <= value <= 1 for value in values)
