"""What each metric is: how it is shown, which way is better, and what a result must exceed.

Nothing heavy is imported, so that records, tables and checks can ask. A package adds a metric through the entry point
group `prune.metrics`: the entry point's name is the metric's, its value a module that assigns `METRIC`, a `MetricSpec`.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache

from prune.runtime import registry

CONSTANT = "the best constant answer"
LEAD = 3
"""Sentences of the baseline of summaries (See et al. 2017, section 5)."""
LEAD_BASELINE = f"lead-{LEAD}"
AGREEMENT = "agreement@10"
"""A metric that is relative to the unpruned model."""
F1_OF_EACH = "f1_of_each"
"""A metric with a value for each label."""
_RANDOM_ORDER = "a random order"
POINTS = "points"
"""Hundredths. The unit goes without saying after a score, so only differences name it."""


@dataclass(frozen=True)
class MetricSpec:
    """One metric. A metric that says nothing of itself is a fraction in [0, 1], the higher the better."""

    name: str
    """As `task.metrics` and records have it."""
    label: str = ""
    """As text and axes have it; empty: the name."""
    scale: float = 100.0
    """What is shown is `scale` times the stored value, with `digits` digits after the point, in `unit`."""
    digits: int = 2
    unit: str = POINTS
    """Such as `ms`; empty for a bare number."""
    higher_is_better: bool = True
    baseline: str = CONSTANT
    """The simple way to do the task that a result must clearly exceed to be any good."""
    margin: float = 0.01
    """The smallest stored difference that counts: what is not further from the baseline is no better than it."""
    is_score: bool = True
    """Whether it rates the model. A decision threshold does not, though it stands among the scores."""

    @property
    def title(self) -> str:
        """Its label, or else its name."""
        return self.label or self.name

    def shown(self, value: float) -> float:
        """The stored `value` in the unit that it is shown in."""
        return self.scale * value

    def gain(self, value: float) -> float:
        """`value` or a difference of values, turned so that more is better."""
        return value if self.higher_is_better else -value

    def exceeds(self, value: float, baseline: float) -> bool:
        """Whether `value` is clearly better than the baseline's."""
        return self.gain(value - baseline) > self.margin

    def format_value(self, value: float) -> str:
        """A value, or the deviation of several: `85.12`, `3.20 ms`."""
        return self._with_unit(f"{self.shown(value):.{self.digits}f}", without=POINTS)

    def format_difference(self, difference: float, *, in_words: bool = False) -> str:
        """A difference with its sign: `-1.88`; in words `-1.88 points`."""
        return self._with_unit(f"{self.shown(difference):+.{self.digits}f}", without="" if in_words else POINTS)

    def _with_unit(self, number: str, without: str) -> str:
        return number if self.unit in ("", without) else f"{number} {self.unit}"


NAMES = {
    "embedding": ("recall@10", "recall@1", "mrr@10", "ndcg@10", "spearman", "pearson", AGREEMENT),
    "masked_language_modeling": ("accuracy", "pseudo_perplexity"),
    "reranking": ("ndcg@10", "mrr@10"),
    "summarization": ("rouge1", "rouge2", "rougeL", "rougeLsum"),
    "text_classification": (
        "accuracy",
        "balanced_accuracy",
        "f1",
        "macro_f1",
        "micro_f1",
        "f1_of_each",
        "matthews",
        "roc_auc",
    ),
    "text_regression": ("pearson", "spearman"),
    "question_answering": ("f1", "exact_match"),
    "question_answering, unanswerable": ("f1", "exact", "best_f1", "best_exact"),
}
"""Kind of task -> the metrics that `task.metrics` may name; a third party's kind checks its own."""


def problem_with_labels(metrics: Sequence[str], number: int) -> str | None:
    """Why these metrics cannot rate a classifier of so many labels; None if they can."""
    if "f1" in metrics and number > 2:
        return f"task.metrics={list(metrics)}: f1 is of the second of two labels, not of {number}; say macro_f1"
    return None


def _threshold(name: str, label: str) -> MetricSpec:
    return MetricSpec(name, label, scale=1.0, unit="", is_score=False)


_SPECS = {
    one.name: one
    for one in (
        MetricSpec("accuracy"),
        MetricSpec("balanced_accuracy", "balanced accuracy"),
        MetricSpec("f1", "F1"),
        MetricSpec("macro_f1", "macro-F1"),
        MetricSpec("micro_f1", "micro-F1"),
        MetricSpec(F1_OF_EACH, "F1 of each label"),
        MetricSpec("matthews", "Matthews correlation"),
        MetricSpec("roc_auc", "ROC AUC"),
        MetricSpec("pearson", "Pearson correlation"),
        MetricSpec("spearman", "Spearman correlation"),
        MetricSpec("pseudo_perplexity", "pseudo-perplexity", scale=1.0, unit="", higher_is_better=False, margin=0.1),
        MetricSpec("recall@1", baseline=_RANDOM_ORDER),
        MetricSpec("recall@10", baseline=_RANDOM_ORDER),
        MetricSpec("mrr@10", "MRR@10", baseline=_RANDOM_ORDER),
        MetricSpec("ndcg@10", "nDCG@10", baseline=_RANDOM_ORDER),
        MetricSpec(AGREEMENT, "agreement of the ten nearest"),
        MetricSpec("exact_match", "exact match"),
        MetricSpec("exact", "exact match"),
        MetricSpec("best_f1", "best F1"),
        MetricSpec("best_exact", "best exact match"),
        _threshold("best_f1_thresh", "threshold of the best F1"),
        _threshold("best_exact_thresh", "threshold of the best exact match"),
        MetricSpec("HasAns_f1", "F1, answerable"),
        MetricSpec("HasAns_exact", "exact match, answerable"),
        MetricSpec("NoAns_f1", "F1, unanswerable"),
        MetricSpec("NoAns_exact", "exact match, unanswerable"),
        MetricSpec("rouge1", "ROUGE-1", baseline=LEAD_BASELINE),
        MetricSpec("rouge2", "ROUGE-2", baseline=LEAD_BASELINE),
        MetricSpec("rougeL", "ROUGE-L", baseline=LEAD_BASELINE),
        MetricSpec("rougeLsum", "ROUGE-Lsum", baseline=LEAD_BASELINE),
    )
}


@lru_cache(maxsize=256)  # names may come from strangers' records
def spec_of(name: str, higher_is_better: bool | None = None) -> MetricSpec:
    """What is known of a metric: of ours, or of an installed package's; else that it is a fraction.

    Args:
        higher_is_better: What a record says of it, which then counts.
    """
    spec = _SPECS.get(name) or _of_package(name) or MetricSpec(name)
    return spec if higher_is_better is None else replace(spec, higher_is_better=higher_is_better)


def _of_package(name: str) -> MetricSpec | None:
    if name not in _names_of_packages(tuple(sys.path)):
        return None
    spec: MetricSpec = registry.module("metrics", name).METRIC
    return replace(spec, name=name)


@cache
def _names_of_packages(_path: tuple[str, ...]) -> frozenset[str]:
    """Cached, since a stranger's record may name very many metrics."""
    return frozenset(registry.names("metrics"))
