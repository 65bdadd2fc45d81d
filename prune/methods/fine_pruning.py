"""Fine-pruning: masks on one or both sites, moved by the schedule while the model is fine-tuned (Sanh et al. 2020)."""

from __future__ import annotations

from torch import nn

from prune import discovery
from prune.config import MethodConfig, Scope, SiteConfig
from prune.masking.attach import Masks, attach
from prune.masking.bank import SiteMasking
from prune.sublayers import Sublayer


def spread(model: nn.Module, base: nn.Module, sublayers: list[Sublayer], method: MethodConfig, seed: int) -> Masks:
    """Puts the method's masks on `model`."""
    sites = {"attention": method.attention, "feed_forward": method.feed_forward}
    masked = {name: _site(site, method) for name, site in sites.items() if not site.stays}
    return attach(model, base, [s for s in sublayers if s.site in masked], masked, seed)


def _site(site: SiteConfig, method: MethodConfig) -> SiteMasking:
    return SiteMasking(
        criterion=discovery.module("criteria", site.criterion).CRITERION,
        grain=site.grain,
        block=tuple(site.block),
        density=method.density,
        threshold=method.threshold,
        penalty=method.penalty * site.penalty_weight,
        pooled=method.scope is Scope.site,
    )
