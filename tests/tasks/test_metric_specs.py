"""What a metric says of itself, and that everything that shows metrics asks it."""

import subprocess
import sys

import pytest

from prune.tasks.metrics import specs
from prune.tasks.metrics.specs import CONSTANT, MetricSpec, spec_of
from tests.metric_package import installed

PERPLEXITY = MetricSpec("perplexity", scale=1.0, unit="", higher_is_better=False, margin=0.5)
LATENCY = MetricSpec("latency", scale=1.0, digits=1, unit="ms", higher_is_better=False, margin=0.1)


def test_it_is_known_without_anything_heavy():
    script = (
        "import sys, prune.tasks.metrics.specs, prune.results.files; "
        "print({'torch', 'sklearn', 'datasets', 'evaluate', 'pandas', 'rich', 'rouge_score'} & set(sys.modules))"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout == "set()\n"


@pytest.mark.parametrize(
    ("spec", "value", "difference", "in_words"),
    [
        (spec_of("accuracy"), "85.12", "-1.88", "-1.88 points"),
        (PERPLEXITY, "0.85", "-0.02", "-0.02"),
        (LATENCY, "0.9 ms", "-0.0 ms", "-0.0 ms"),
    ],
)
def test_values_and_differences_in_its_unit(spec, value, difference, in_words):
    assert spec.format_value(0.8512) == value
    assert spec.format_difference(-0.0188) == difference
    assert spec.format_difference(-0.0188, in_words=True) == in_words


def test_a_threshold_is_no_score_and_is_shown_as_it_is():
    spec = spec_of("best_f1_thresh")
    assert not spec.is_score
    assert spec.format_value(-3.25) == "-3.25"


@pytest.mark.parametrize(
    ("spec", "value", "baseline", "exceeds"),
    [
        (spec_of("accuracy"), 0.525, 0.51, True),
        (spec_of("accuracy"), 0.515, 0.51, False),
        (PERPLEXITY, 30.0, 30.4, False),
        (PERPLEXITY, 29.0, 30.0, True),
        (PERPLEXITY, 31.0, 30.0, False),
    ],
)
def test_what_exceeds_a_baseline_is_better_by_more_than_the_margin(spec, value, baseline, exceeds):
    assert spec.exceeds(value, baseline) is exceeds


def test_every_metric_that_a_task_may_name_has_a_specification():
    named = {name for names in specs.NAMES.values() for name in names}
    assert {name for name in named if spec_of(name) is specs._SPECS.get(name)} == named


def test_the_baseline_of_summaries_is_their_lead():
    assert {spec_of(name).baseline for name in specs.NAMES["summarization"]} == {"lead-3"}
    assert spec_of("accuracy").baseline == CONSTANT


def test_an_unknown_metric_is_a_fraction_of_which_more_is_better():
    spec = spec_of("bertscore")
    assert (spec.title, spec.higher_is_better, spec.format_value(0.5)) == ("bertscore", True, "50.00")


def test_a_record_has_the_last_word_on_which_way_is_better():
    assert spec_of("bertscore", higher_is_better=False).gain(2.0) == -2.0


@pytest.fixture
def perplexity(tmp_path, monkeypatch):
    yield from installed(tmp_path, monkeypatch, "perplexity", "scale=1.0, unit='', higher_is_better=False, margin=0.5")


def test_a_packages_metric_is_found_by_its_entry_point(perplexity):
    assert perplexity == PERPLEXITY
    assert spec_of("perplexities") == MetricSpec("perplexities")
