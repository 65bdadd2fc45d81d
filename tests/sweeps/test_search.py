"""Searches: the objectives of each run, what counts, which is best; and Optuna led by that."""

import re

import pytest

from prune.config.schema import Objective, SearchConfig
from prune.sweeps.search import FAILED, best, demands, directions, objective_values, shortfall
from tests.report.records import record
from tests.sweeps.pretended import CRASH, penalties

BOTH, METRIC, SPEEDUP = (SearchConfig(objective=one) for one in (Objective.both, Objective.metric, Objective.speedup))


def run(value, speedup, **values):
    """A run of a dense model with metric 0.9."""
    speed = {"batch_size": 1, "speedup": speedup, "speedup_theoretical": 9.0}
    return record(value=value, dense_value=0.9, speed=[speed], **values)


def test_objective_values_are_metric_and_speed_up():
    assert objective_values(METRIC, run(0.8, 2.0)) == (0.8,)
    assert objective_values(SPEEDUP, run(0.8, 2.0)) == (2.0,)
    assert objective_values(BOTH, run(0.8, 2.0)) == (0.8, 2.0)
    assert directions(BOTH) == "[maximize,maximize]"
    assert directions(METRIC) == directions(SPEEDUP) == "maximize"


def test_a_run_that_does_not_count_has_less_the_more_is_missing():
    search = SearchConfig(objective=Objective.metric, min_speedup=4.0, max_loss=0.05)
    assert shortfall(search, run(0.85, 4.0)) == pytest.approx(0)
    assert objective_values(search, run(0.9, 3.0)) == (-1.25,)
    assert objective_values(search, run(0.75, 4.0)) == (pytest.approx(-1.1),)
    assert objective_values(search, run(0.75, 3.0)) == (pytest.approx(-1.35),)
    assert objective_values(search, None) == (FAILED,)
    assert demands(search) == "search.min_speedup=4 search.max_loss=0.05"


def test_where_lower_is_better_a_run_has_more_the_lower_it_is_and_more_than_one_that_does_not_count():
    search = SearchConfig(objective=Objective.metric, max_loss=40.0)
    counts = [objective_values(search, run(value, 2.0, higher_is_better=False)) for value in (3.0, 20.0, 40.0)]
    missing = [objective_values(search, run(value, 2.0, higher_is_better=False)) for value in (41.0, 45.0, 1e6)]
    falling = [*counts, (0.0,), *missing, objective_values(search, None)]
    assert falling == sorted(falling, reverse=True)
    assert len(set(falling)) == len(falling)


def test_a_loss_is_a_rise_where_lower_is_better():
    search = SearchConfig(max_loss=0.05)
    assert shortfall(search, run(1.1, 2.0, higher_is_better=False)) == pytest.approx(0.15)
    assert shortfall(search, run(0.8, 2.0, higher_is_better=False)) == 0


def test_the_best_and_the_front_by_hand():
    runs = [run(0.8, 3.0), run(0.9, 1.0), run(0.7, 2.5), run(0.85, 2.0), run(0.85, 2.0), run(0.6, 3.5)]
    assert best(METRIC, runs) == [1]
    assert best(SPEEDUP, runs) == [5]
    assert best(BOTH, runs) == [1, 3, 0, 5]
    assert best(SearchConfig(objective=Objective.metric, min_speedup=2.2), runs) == [0]
    assert best(SearchConfig(objective=Objective.speedup, max_loss=0.06), runs) == [3]
    assert best(SearchConfig(min_speedup=9.0), runs) == []


@pytest.fixture
def optuna():
    pytest.importorskip("hydra_plugins.hydra_optuna_sweeper", reason="needs pip install -e '.[optuna]'")


SEARCH = ("-m", "hydra/sweeper=optuna", "hydra.sweeper.n_trials=10", "hydra.sweeper.sampler.n_startup_trials=4")


def told(err):
    return [line for line in err.splitlines() if line.startswith("best: ")]


def test_a_search_finds_what_counts_and_finds_its_runs_again(optuna, prune, carried_out):
    """A pretended run is 1 + penalty / 50 times faster: the best that is twice as fast has a penalty just above 50."""
    words = (*SEARCH, "search.objective=metric", "search.min_speedup=2", "seed=3")
    code, _, err = prune(*words)
    assert code == 0
    assert "10 finished, 0 failed, 0 left" in err
    tried = penalties(carried_out)
    assert len(tried) == 10
    assert {config.search == SearchConfig() for config in carried_out} == {True}
    counts = sorted(penalty for penalty in tried if penalty >= 50)
    assert told(err)[0].startswith(f"best: method.penalty={counts[0]!r}  accuracy")
    assert re.findall(r"^      prune (.*)", err, flags=re.M) == [
        f"method.penalty={counts[0]!r} model=demo task=demo method=struct report=False seed=3"
    ]
    assert counts[0] < 80
    assert prune(*words)[0] == 0
    assert penalties(carried_out) == tried


def test_a_search_for_both_shows_the_front_and_survives_failures(optuna, prune, carried_out):
    code, _, err = prune(*SEARCH[:2], "hydra.sweeper.n_trials=8", f"method.penalty=choice(20,{CRASH},40)")
    assert code == 0
    assert [line.split("  ")[0] for line in told(err)] == ["best: method.penalty=20", "best: method.penalty=40"]
    assert f"method.penalty={CRASH}: RuntimeError" in err
    assert set(penalties(carried_out)) == {20, CRASH, 40}


def test_a_search_in_which_nothing_counts_says_so(optuna, prune):
    code, _, err = prune(*SEARCH[:2], "hydra.sweeper.n_trials=2", "search.min_speedup=100")
    assert code == 1
    assert "no run counts: search.min_speedup=100" in err
    assert told(err) == []


def test_a_search_over_impossible_values_never_starts(optuna, prune, carried_out):
    code, _, err = prune(*SEARCH, "method.penalty=interval(-5,5)", "search.min_speedup=0")
    assert code == 2
    assert "method.penalty=-5.0: must be at least 0" in err
    assert "search.min_speedup=0.0: must be above 0" in err
    code, _, err = prune(*SEARCH, "target.density=[0.3,0.5]")
    assert code == 2
    assert "a run of a search has one target" in err
    assert carried_out == []
