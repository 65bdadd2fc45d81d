"""Where a model pools its tokens: after which layers, how, and how many go on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from prune.config.schema.choices import TokenOperator
from prune.runtime.sanitize import quoted

if TYPE_CHECKING:  # the rest is read where no network is built
    from prune.models.sublayers import Sublayer

_OPERATORS = [one.value for one in TokenOperator if one is not TokenOperator.none]
_LEARNED = ("top_k", "successive_halving")
"""Operators whose scores are learned."""


@dataclass(frozen=True)
class TokenPooling:
    """Fewer tokens after some layers of the encoder; none where `after` is empty."""

    operator: str = ""
    """One of prune/compaction/token_pooling.py."""
    after: tuple[int, ...] = ()
    """Numbers of layers, from 1."""
    keep: tuple[float, ...] = ()
    """The share of all tokens that goes on after each of them."""

    def __bool__(self) -> bool:
        return bool(self.after)

    @staticmethod
    def read(content: Mapping[str, Any]) -> TokenPooling:
        """What config.json says.

        Raises:
            ValueError: if it says anything else.
        """
        if not content:
            return TokenPooling()
        if set(content) != {"operator", "after", "keep"} or content["operator"] not in _OPERATORS:
            raise ValueError(f"tokens: {quoted(content)} is no operator with layers and shares")
        after, keep = content["after"], content["keep"]
        numbers = isinstance(after, list) and bool(after) and all(type(one) is int for one in after)
        shares = isinstance(keep, list) and all(type(one) in (int, float) and 0 < one < 1 for one in keep)
        if not (numbers and shares and len(after) == len(keep) and rising(after) and rising([-one for one in keep])):
            raise ValueError(f"tokens: {quoted(content)}: layers must rise, and shares of all tokens fall")
        return TokenPooling(content["operator"], tuple(after), tuple(keep))

    def written(self) -> dict[str, Any]:
        """What config.json says of it."""
        return {"operator": self.operator, "after": list(self.after), "keep": list(self.keep)}

    def in_words(self) -> list[str]:
        """A line for each layer after which fewer tokens go on."""
        stages = zip(self.after, self.keep, strict=True)
        return [f"after layer {number} {keep:.0%} go on, by {self.operator}" for number, keep in stages]

    def check(self, sublayers: Sequence[Sublayer]) -> None:
        """Raises ValueError where the model of `sublayers` has no such layers, or cannot be pooled this way."""
        number = len(_layers(sublayers))
        if not 0 < self.after[0] <= self.after[-1] < number:
            raise ValueError(f"tokens are pooled after one of the layers 1 to {number - 1}, not {self.after[-1]}")
        if self.operator == "attention" and any(m.parts > 1 for m in sublayers[0].inputs):
            raise ValueError("query and key are one matrix, so that the operator attention cannot read them")

    def shares(self, sublayers: Sequence[Sublayer]) -> dict[str, float]:
        """Name of each sublayer of the encoder -> the share of the tokens that it is given."""
        left = dict(zip(self.after, self.keep, strict=True))
        shares: dict[str, float] = {}
        share = 1.0
        for number, members in enumerate(_layers(sublayers).values()):
            share = left.get(number, share)
            shares |= dict.fromkeys((s.name for s in members), share)
        return shares

    def shape(self, sublayers: Sequence[Sublayer]) -> list[dict[str, Any]]:
        """What `take_shape` needs of it."""
        if not self:
            return []
        layers, decoder = _layers(sublayers), ""
        if others := [s for s in sublayers if _stack(s) != _stack(sublayers[0])]:
            decoder = others[0].name.partition(".")[0]
        keeps = [keep / given for keep, given in zip(self.keep, (1.0, *self.keep), strict=False)]
        stages = zip(self.after, keeps, strict=True)
        entries = [{"tokens": self._entry(layers, number, keep)} for number, keep in stages]
        return [*entries, {"pooled": {"keeps": keeps, "decoder": decoder}}]

    def _entry(self, layers: Mapping[str, Sequence[Sublayer]], number: int, keep: float) -> dict[str, Any]:
        """Arguments of `pool_tokens` for the layer with this number."""
        names = list(layers)
        layer = names[number - 1]
        entry = {"after": layer, "keep": keep, "operator": self.operator, "later": names[number:]}
        attention = next(s for s in layers[layer] if s.site == "attention")
        if self.operator in _LEARNED:
            entry["width"] = attention.output.rows
        if self.operator == "attention":
            query, key = (matrix.module for matrix in attention.inputs[:2])
            entry["attention"] = {"query": query, "key": key, "head_size": attention.output.unit_size}
        return entry


def rising(numbers: Sequence[float]) -> bool:
    """Whether each of the `numbers` is larger than the one before."""
    return all(one < following for one, following in pairwise(numbers))


def _layers(sublayers: Sequence[Sublayer]) -> dict[str, list[Sublayer]]:
    """Name of each layer of the first stack -> its sublayers."""
    found: dict[str, list[Sublayer]] = {}
    for sublayer in sublayers:
        if _stack(sublayer) == _stack(sublayers[0]):
            found.setdefault(sublayer.name.rpartition(".")[0], []).append(sublayer)
    return found


def _stack(sublayer: Sublayer) -> str:
    """What the layers of its stack have in common: their name without their number."""
    from prune.models.sublayers import kind_of

    return kind_of(sublayer).rpartition(".")[0]
