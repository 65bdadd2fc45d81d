"""Banks: the scores and masks of all sublayers of one site with the same shapes, computed together.

Shapes: L sublayers; W (R, C); scores and masks (L, R / r, C / c), or (L, units) where grains are whole units.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from prune.masking.criterion import Criterion
from prune.masking.grains import GRAINS
from prune.masking.linear import MaskedLinear, mask_together
from prune.masking.tiles import gather
from prune.models.sublayers import Sublayer
from prune.models.units import by_feature, tiled_units, unit_multiple


@dataclass(frozen=True)
class SiteMasking:
    """How the sublayers of one site are masked, and where its schedule ends."""

    criterion: Criterion
    grain: str
    block: Sequence[int]
    density: float
    threshold: float
    penalty: float
    """Final weight of this site's penalty: lambda times the site's share."""
    pooled: bool = False
    """Reach the density over all matrices of the site together, not in each."""


class Bank(nn.Module):
    """Scores of equal sublayers. `layers[l][m]` is the linear layer of matrix m in sublayer l."""

    def __init__(
        self,
        site: SiteMasking,
        sublayers: list[Sublayer],
        layers: list[list[MaskedLinear]],
        generator: torch.Generator,
    ):
        super().__init__()
        self.site, self.sublayers = site, sublayers
        self.layers = tuple(map(tuple, layers))  # tuples, so that they are not registered a second time
        self._by_matrix = tuple(zip(*layers, strict=True))
        first = sublayers[0]
        self.grain, self.matrices = GRAINS[site.grain], first.matrices
        tiles = [self.grain.tile(matrix, site.block) for matrix in self.matrices]
        self.shapes = [(m.rows // r, m.columns // c) for m, (r, c) in zip(self.matrices, tiles, strict=True)]
        self._units = tiled_units(self.matrices, tiles)
        stored: list[tuple[int, ...]] = [(first.num_units,)] if self.grain.whole_units else [*self.shapes]
        count, criterion = len(sublayers), site.criterion
        self.scores = nn.ParameterList(
            nn.Parameter(criterion.initial((count, *shape), generator), requires_grad=criterion.learned)
            for shape in ([] if criterion.from_weights else stored)
        )
        self.cuts: Tensor
        self.register_buffer("cuts", torch.full((len(stored), count), -torch.inf))
        self.threshold: float | None = None
        self.shift = 0.0
        """Subtracted from all scores."""
        self.surviving = torch.ones(count, first.num_units, dtype=torch.bool)
        """Units that keep weights under the masks of the last refresh (L, units)."""
        self.masks: list[Tensor] = []
        self.chosen: Tensor | None = None
        """The units that are kept, whatever the cut (L, units)."""
        self.padding: Tensor | None = None
        """Units that are kept whatever their scores, to pad widths to a multiple (L, units)."""

    def current_scores(self) -> list[Tensor]:
        """One tensor (L, R / r, C / c) per matrix; a single one (L, units) where grains are whole units."""
        if not self.site.criterion.from_weights:
            return list(self.scores)
        means = [self._mean_magnitudes(index) for index in range(len(self.matrices))]
        return [torch.stack([mean.flatten(1) for mean in means]).mean(0)] if self.grain.whole_units else means

    @torch.no_grad()
    def _mean_magnitudes(self, index: int) -> Tensor:
        shape, matrix = self.shapes[index], self.matrices[index]
        num_weights = matrix.rows * matrix.columns / (shape[0] * shape[1])
        return gather(torch.stack([layer.weight for layer in self._by_matrix[index]]).abs_(), shape) / num_weights

    @torch.no_grad()
    def start_from(self, importance: Tensor) -> None:
        """Adds the importance of units (L, units) to the scores of their grains, averaged within a grain."""
        for index, scores in enumerate(self.scores):
            if self.grain.whole_units:
                scores.add_(importance.to(scores))
                continue
            matrix = self.matrices[index]
            num_tiles = self.shapes[index][matrix.unit_axis]
            of_tiles = by_feature(matrix, importance).view(len(importance), num_tiles, -1).mean(2)
            scores.add_(of_tiles.unsqueeze(2 - matrix.unit_axis).to(scores))

    def ranks(self) -> list[Tensor]:
        """The ranking values that are compared with the cuts, in the shapes of `current_scores`."""
        return [self.site.criterion.rank(scores.detach()) for scores in self.current_scores()]

    def refresh(self) -> None:
        """Computes all masks from the scores and hands them to the layers."""
        pairs = zip(self.current_scores(), self.cuts, strict=True)
        own = [self._mask(*pair) for pair in pairs] if self.chosen is None else [self.chosen.to(self.cuts)]
        if self.padding is not None:
            own[0] = own[0].masked_fill(self.padding, 1.0)
        if self.grain.whole_units:
            self.surviving = own[0].detach() > 0
            self.masks = [own[0].unsqueeze(2 - matrix.unit_axis) for matrix in self.matrices]
        else:
            self.masks = self._without_dead_units(own)
        for layers, mask in zip(self._by_matrix, self.masks, strict=True):
            mask_together(layers, mask)

    @torch.no_grad()
    def keep_best(self, counts: Mapping[str, int]) -> None:
        """Keeps so many of the best units of each sublayer, by its name. Grains must be whole units, masks 0 or 1."""
        (scores,) = self.ranks()
        wanted = torch.tensor([counts[sublayer.name] for sublayer in self.sublayers], device=scores.device)
        order = scores.argsort(dim=1, descending=True, stable=True).argsort(dim=1)
        self.chosen = order < wanted.unsqueeze(1)

    @torch.no_grad()
    def pad_widths(self, multiple: int) -> int:
        """Keeps the best of the removed units as well, so that the widths of each sublayer are multiples of `multiple`.

        A sublayer that has lost all units stays empty. Grains must be whole units.

        Returns:
            The number of units that are kept as padding.
        """
        step = unit_multiple(self.sublayers[0], multiple)
        (scores,), (cuts,) = self.ranks(), self.cuts
        kept = self._mask(self.current_scores()[0], cuts).detach() > 0
        wanted = (-(-kept.sum(1) // step) * step).clamp(max=kept.shape[1])
        order = scores.masked_fill(kept, torch.inf).argsort(dim=1, descending=True, stable=True)
        self.padding = (order.argsort(dim=1) < wanted.unsqueeze(1)) & ~kept
        return int(self.padding.sum())

    def _mask(self, scores: Tensor, cuts: Tensor) -> Tensor:
        criterion = self.site.criterion
        cut: Any = cuts.view(-1, *[1] * (scores.dim() - 1)) if self.threshold is None else self.threshold
        if self.grain.cuts is not None and criterion.setting == "density":
            cut = self.grain.cuts(criterion.rank(scores.detach()), self.site.block)
        return criterion.mask(scores - self.shift if self.shift else scores, cut, self.training)

    def _without_dead_units(self, masks: list[Tensor]) -> list[Tensor]:
        with torch.no_grad():
            each = [units.surviving(mask) for units, mask in zip(self._units, masks, strict=True)]
            self.surviving = torch.stack(each).all(0)
            if self.surviving.device.type == "cpu" and self.surviving.all():  # on a GPU the check would synchronize
                return masks
        return [units.without_removed(mask, self.surviving) for units, mask in zip(self._units, masks, strict=True)]

    @property
    def num_weights(self) -> int:
        """Number of weights under masks."""
        return len(self.sublayers) * sum(matrix.rows * matrix.columns for matrix in self.matrices)

    @torch.no_grad()
    def num_kept(self) -> float:
        """Number of weights that the masks of the last refresh keep."""
        pairs = zip(self.masks, self.matrices, strict=True)
        kept = sum((mask > 0).float().mean().item() * m.rows * m.columns for mask, m in pairs)
        return kept * len(self.sublayers)
