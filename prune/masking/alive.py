"""Which units have not been removed while training goes on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from prune.sublayers import Sublayer


@dataclass(frozen=True)
class Alive:
    """The units that are left of the sublayers under masks."""

    sublayers: tuple[Sublayer, ...]
    """As they are in the whole model."""
    kept: Mapping[str, tuple[int, ...]]
    """Sublayer -> numbers of its units there."""
    gone: Mapping[str, float] = field(default_factory=dict)
    """Site -> what the removed scores add to the sum of its penalty's terms."""

    @classmethod
    def all_of(cls, sublayers: list[Sublayer]) -> Alive:
        """All units."""
        return cls(tuple(sublayers), {s.name: tuple(range(s.num_units)) for s in sublayers})

    def of_site(self, site: str) -> list[Sublayer]:
        """The sublayers of one site, as they are in the whole model."""
        return [s for s in self.sublayers if s.site == site]

    def share(self, name: str) -> float:
        """The share of a sublayer's units that is left."""
        (whole,) = (s.num_units for s in self.sublayers if s.name == name)
        return len(self.kept[name]) / whole

    def smaller(self) -> list[Sublayer]:
        """The sublayers as they are where only living units are left; without those that have none."""
        return [_smaller(s, len(self.kept[s.name])) for s in self.sublayers if self.kept[s.name]]


def _smaller(sublayer: Sublayer, units: int) -> Sublayer:
    if units == sublayer.num_units:
        return sublayer
    width = units * sublayer.unit_size
    matrices = tuple(
        replace(m, rows=width, transposed=False) if m.unit_axis == 0 else replace(m, columns=width, transposed=False)
        for m in sublayer.matrices
    )
    return replace(sublayer, num_units=units, matrices=matrices)
