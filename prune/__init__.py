"""prune: makes transformers small and fast while it fine-tunes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from prune.compaction.saved_model import load

__version__ = "0.1.0"
__all__ = ["__version__", "load"]


def __getattr__(name: str) -> Any:
    # `load` needs torch; the command's help does not
    if name == "load":
        from prune.compaction.saved_model import load

        return load
    raise AttributeError(f"module 'prune' has no attribute {name!r}")
