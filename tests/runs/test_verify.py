"""`prune verify`, and runs that are reproduced from the recipes that they leave."""

import shutil

import pytest
import yaml

from prune.results.record import Record, results_of
from tests.runs.tiny import command

LENIENT = "reference.tolerance.speedup=100"
"""What a busy machine measures is not what is tested here."""


@pytest.fixture(scope="module")
def run(finished_runs, tmp_path_factory):
    """The folder of a run."""
    return finished_runs.copy("hybrid_filled", tmp_path_factory.mktemp("first") / "outputs")


@pytest.fixture(scope="module")
def again(run, tmp_path_factory):
    """A folder with the run's recipe, in which `prune verify` has carried it out; what it said."""
    folder = tmp_path_factory.mktemp("second")
    shutil.copy(run / "recipe.yaml", folder / "mine.yaml")
    return folder, command("verify", str(folder / "mine.yaml"), LENIENT, f"outputs={folder / 'outputs'}")


@pytest.fixture
def verify(again, monkeypatch):
    """Calls `prune verify` where its run is there."""
    folder, _ = again
    monkeypatch.chdir(folder)
    monkeypatch.setattr("sys.argv", ["prune"])
    return lambda *words: command("verify", *words)


def edited(folder, name, **reference):
    """A copy of the recipe with another reference."""
    content = yaml.safe_load((folder / "mine.yaml").read_text())
    content["reference"] |= reference
    (folder / name).write_text(yaml.safe_dump(content))
    return name


def test_a_runs_recipe_gives_the_same_results_to_the_last_digit(run, again):
    folder, (code, out, err) = again
    assert code == 0, err
    (file,) = folder.glob("outputs/*/*/*/*/seed_*/record.json")
    assert file.parent.relative_to(folder / "outputs") == run.relative_to(run.parents[4])
    first, second = (results_of(Record.read(one)) for one in (run / "record.json", file))
    for results in (first, second):
        results["config"].pop("outputs")
        results["config"].pop("report")
        results["config"].pop("reference")
    assert first == second
    assert out.count("equal") == 3
    assert "agrees with its reference" in out


def test_a_finished_run_is_taken_as_it_is(verify):
    code, out, err = verify("mine.yaml", LENIENT)
    assert code == 0
    assert "This run is finished" in err
    assert "mine.yaml agrees with its reference" in out


def test_figures_that_differ_end_with_code_1(verify, again):
    scores = {"validation": {"accuracy": 0.999}}
    code, out, _ = verify(edited(again[0], "better.yaml", scores=scores), LENIENT)
    assert code == 1
    assert "differs" in out
    assert "better.yaml does not agree with its reference" in out


def test_another_run_is_not_judged_and_says_what_it_has(verify, again):
    environment = {"environment": {}}
    words = (edited(again[0], "other.yaml", **environment), "task.eval_examples=32", LENIENT)
    code, out, err = verify(*words)
    assert code == 1, err
    assert "not judged: other settings" in out
    assert "This run is not the recipe's, it has task.eval_examples=32" in out
    assert "Equality is not to be expected" in out


def test_the_folder_of_a_run_is_compared_with_the_recipe_it_came_from(verify, run):
    code, out, _ = verify(str("outputs" / run.relative_to(run.parents[4])))
    assert code in (0, 1), "a busy machine's speed is judged, too"
    assert "Which recipe the run came from is not known" in out
    assert out.count("equal") == 3


def test_a_run_that_came_from_no_recipe_has_nothing_to_be_compared_with(verify, run):
    code, out, err = verify(str(run))
    assert (code, out) == (2, "")
    assert "came with no scores and no density to compare with" in err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "name a recipe"),
        (("seed=1",), "name a recipe"),
        (("nothing",), "there is no such recipe"),
        (("demo",), "demo came with no scores and no density"),
        (("qqp/bert_base",), "qqp/bert_base came with no scores and no density"),
        (("mine.yaml", "-m"), "'-m' is not known"),
        (("mine.yaml", "recipe=demo"), "'recipe=demo' is not known"),
        (("mine.yaml", "metod.penalty=3"), "did you mean 'method.penalty'?"),
        (("mine.yaml", "target.density=[0.3,0.5]"), "gives several results"),
        (("outputs",), "is not the folder of a finished run"),
        (("outputs", "seed=1"), "cannot change any more"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_mistakes_end_with_code_2(words, said, verify):
    code, out, err = verify(*words)
    assert (code, out) == (2, "")
    assert said in err


def test_a_run_of_a_recipe_says_how_far_it_came(run, again):
    folder, _ = again
    code, _, err = command(f"recipe={folder / 'mine.yaml'}", f"outputs={run.parents[4]}")
    assert code == 0
    (line,) = [line for line in err.splitlines() if line.startswith("reference")]
    value = f"{100 * Record.read(run / 'record.json').value:.2f}"
    assert f"accuracy, validation {value}, here {value}" in line
    assert f"again  prune recipe={run / 'recipe.yaml'}" in err
