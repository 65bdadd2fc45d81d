"""Published rows beside one's own."""

import pytest

from prune.errors import UserError
from prune.published import comparators, networks
from prune.results.cells import cells
from prune.results.table import View, legend, table_rows
from tests.report.records import record

PUBLISHED = View(published=True)
MARK = "(RTX 3090, float32, relative to BERT-base)"


def of(task, metric, **values):
    found = table_rows([record(task=task, metric=metric, **values)], PUBLISHED)
    return [cells(row) for row in found if row.kind == "published"]


@pytest.mark.parametrize(
    ("task", "metric", "number"),
    [("squad", "f1", 12), ("mnli", "accuracy", 7), ("sst2", "accuracy", 3), ("qqp", "accuracy", 3), ("qqp", "f1", 2),
     ("squad_v2", "f1", 4), ("squad", "exact_match", 4)],
)  # fmt: skip
def test_what_is_published_of_a_task_in_its_metric_stands_below_its_runs(task, metric, number):
    assert len(of(task, metric)) == number
    assert [row.kind for row in table_rows([record(task=task, metric=metric)], PUBLISHED)][:2] == ["dense", "run"]


def test_rows_by_hand():
    """The large network keeps 0.2441 of 302 million weights; BERT-base has 85 million."""
    found = of("squad", "f1")
    assert found[0] == ("BERT-base, squad, published", f"dense {MARK}", "100 %", "f1 88.50", "", "1.00x")
    assert found[1] == ("DistilBERT, squad, published", f"distilled {MARK}", "50 %", "f1 86.90", "-1.60", "2.06x")
    assert found[2] == ("MobileBERT, squad, published", f"distilled {MARK}", "25 %", "f1 90.00", "+1.50", "1.61x")
    large = f"hybrid_filled, SQuAD v1.1 #2 {MARK}"
    assert found[4] == ("bert-large, squad, published", large, "87 %", "f1 91.03", "+2.53", "0.92x")
    base = f"hybrid_filled, SQuAD v1.1 #4 {MARK}"
    assert found[6] == ("bert-base, squad, published", base, "36 %", "f1 88.72", "+0.22", "1.84x")


def test_each_task_has_its_own():
    found = table_rows([record(), record(task="mnli")], PUBLISHED)
    assert [row.task for row in found] == ["mnli"] * 9 + ["sst2"] * 5


def test_published_rows_are_neither_marked_nor_left_out():
    found = table_rows([record(task="squad", metric="f1")], View(published=True, pareto=True))
    published = [row for row in found if row.kind == "published"]
    assert len(published) == 12
    assert not any(row.best for row in published)


def test_they_are_sorted_with_the_others():
    speeds = [row.speedup.mean for row in table_rows([record(task="mnli")], View(published=True, sort="speed-up"))]
    assert speeds == sorted(speeds, reverse=True)


def test_where_nothing_is_published_that_is_said():
    with pytest.raises(UserError, match="published=true: .* but for: squad, squad_v2, mnli, qqp, sst2"):
        table_rows([record(task="cnn_dailymail", metric="rouge2")], PUBLISHED)


def test_the_legend_says_what_they_are_relative_to():
    assert "published: RTX 3090, float32, all columns relative to BERT-base" in legend([], PUBLISHED)
    assert "published" not in legend([])


def test_each_task_of_the_comparators_has_bert_base_first_which_is_its_own_reference():
    first = {}
    for one in comparators():
        first.setdefault(one.task, one)
    assert all((one.name, one.speedup, one.params) == ("BERT-base", 1, 1) for one in first.values())
    assert {one.task for one in networks()} <= set(first)
