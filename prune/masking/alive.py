"""Which units have not been removed while training goes on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from prune.models.sublayers import Sublayer


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
