"""Sweeps: what fails does not stop the others, what is finished is not done again, what cannot work never starts."""

import importlib.metadata
import json
import re
import shlex

import pytest

from prune.composition.command_line import read
from prune.composition.compose import combinations
from prune.errors import ConfigErrors
from prune.results.layout import SweepFolder
from tests.sweeps import pretended
from tests.sweeps.pretended import CRASH, DEMO, INTERRUPT, USERS_MISTAKE, penalties


def test_every_run_is_announced_and_stands_in_the_table(prune, carried_out, tmp_path):
    code, out, err = prune("-m", "method.penalty=20,40", "method.density=0.3,0.4", "seed=2")
    assert code == 0
    assert [line for line in err.splitlines() if re.match(r"\d/4", line)] == [
        "1/4  method.penalty=20 method.density=0.3",
        "2/4  method.penalty=20 method.density=0.4",
        "3/4  method.penalty=40 method.density=0.3",
        "4/4  method.penalty=40 method.density=0.4",
    ]
    assert "4 finished, 0 failed, 0 left" in err
    table = out[out.rindex("speed-up ┃") :]
    assert "penalty 20" in table
    assert "penalty 40" in table
    assert [path.name for path in tmp_path.iterdir()] == ["outputs"]


def test_the_page_over_all_results_is_written_at_the_end(prune, tmp_path):
    code, _, err = prune("-m", "method.penalty=1,2", "report=true")
    assert code == 0
    assert err.splitlines()[-1].split() == ["report", "outputs/report.html:", "open", "it", "in", "a", "browser"]
    assert {"demo-speedup.svg", "demo-speedup.png"} <= {file.name for file in (tmp_path / "outputs/figures").iterdir()}


def test_what_fails_does_not_stop_the_others(prune, carried_out):
    code, out, err = prune("-m", f"method.penalty=20,{USERS_MISTAKE},{CRASH},40")
    assert code == 1
    assert penalties(carried_out) == [20, USERS_MISTAKE, CRASH, 40]
    assert "Traceback" not in out + err
    assert f"method.penalty={USERS_MISTAKE}: nothing was removed: raise method.penalty" in err
    assert f"method.penalty={CRASH}: RuntimeError: CUDA error: an illegal memory access." in err
    assert "2 finished, 2 failed, 0 left" in err
    table = out[out.rindex("speed-up ┃") :]
    assert "penalty 20" in table
    assert "penalty 40" in table
    assert f"penalty {CRASH}" not in table


def test_the_traceback_of_a_crash_lies_in_its_run_folder_until_the_run_succeeds(prune, tmp_path, monkeypatch):
    _, _, err = prune("-m", f"method.penalty=20,{CRASH}")
    (named,) = re.findall(r"more: (\S+error\.txt)", err)
    text = (tmp_path / named).read_text()
    assert text.startswith("RuntimeError: CUDA error: an illegal memory access.\n\nTraceback (most recent call last)")
    monkeypatch.setattr(pretended, "CRASH", -1)
    assert prune("-m", f"method.penalty=20,{CRASH}")[0] == 0
    assert not (tmp_path / named).exists()


def test_the_command_that_is_named_repeats_the_failed_run_alone(prune, carried_out):
    _, _, err = prune("-m", f"method.penalty=20,{USERS_MISTAKE}", "task.text=[text]", "seed=2")
    (command,) = [shlex.split(line) for line in re.findall(r"again: (.*)", err)]
    assert command[0] == "prune"
    code, _, err = prune(*command[1:])
    assert code == 2
    assert "nothing was removed" in err
    assert carried_out[-1] == carried_out[-2]
    assert (carried_out[-1].method.penalty, carried_out[-1].seed) == (USERS_MISTAKE, 2)


def test_a_recipe_is_named_as_it_was_typed(prune, tmp_path):
    recipe = tmp_path / "a recipe.yaml"
    recipe.write_text("# @package _global_\nschedule: {epochs: 2}\n")
    _, _, err = prune("-m", f"method.penalty=20,{CRASH}", f"recipe='{recipe}'")
    (command,) = [shlex.split(line) for line in re.findall(r"again: (.*)", err)]
    assert f"recipe={recipe}" in command


def test_finished_runs_are_not_done_again(prune, carried_out, finished):
    finished(20, 40)
    code, out, err = prune("-m", "method.penalty=20,30,40")
    assert code == 0
    assert penalties(carried_out) == [30]
    assert "1/3  method.penalty=20  was finished: accuracy 88.00, 1.40 times faster" in err
    assert "3 finished, 0 failed, 0 left" in err
    assert all(f"penalty {penalty}" in out[out.rindex("speed-up ┃") :] for penalty in (20, 30, 40))


@pytest.mark.parametrize("outputs", ["file", "file/below", "good,file"])
@pytest.mark.parametrize("sweeps", [True, False], ids=["sweep", "run"])
def test_outputs_that_cannot_be_written_stop_everything_before_it_starts(outputs, sweeps, prune, carried_out, tmp_path):
    (tmp_path / "file").touch()
    words = ["-m", "seed=1,2", f"outputs={outputs}"] if sweeps else [f"outputs={outputs.removeprefix('good,')}"]
    code, out, err = prune(*words)
    assert (code, out) == (2, "")
    assert f"outputs={outputs.removeprefix('good,')}: file is no folder. Name another" in err
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert carried_out == []


def test_outputs_that_may_not_be_written_stop_a_sweep_before_it_starts(prune, carried_out):
    code, _, err = prune("-m", "seed=1,2", "outputs=/proc/none")
    assert code == 2
    assert err.startswith("prune: outputs=/proc/none: cannot write there (")
    assert carried_out == []


@pytest.mark.parametrize(
    "word",
    ["n_trials=abc", "n_trials=-1", "n_trials=1e9", "n_jobs=abc", "params=3", "params={seed:'range(0,1e9)'}"],
)
def test_a_setting_of_a_search_that_makes_no_sense_is_refused(word, prune, carried_out):
    pytest.importorskip("hydra_plugins.hydra_optuna_sweeper", reason="needs pip install -e '.[optuna]'")
    code, _, err = prune("-m", "hydra/sweeper=optuna", f"hydra.sweeper.{word}")
    assert code == 2
    assert err.startswith("prune: ")
    assert carried_out == []


def test_what_a_plugin_cannot_do_is_told_with_the_words_for_it(prune, carried_out):
    pytest.importorskip("hydra_plugins.hydra_optuna_sweeper", reason="needs pip install -e '.[optuna]'")
    code, _, err = prune("-m", "hydra/sweeper=optuna", "hydra.sweeper.storage=sqlite:////nowhere/x")
    assert code == 2
    assert "prune: hydra/sweeper=optuna hydra.sweeper.storage=sqlite:////nowhere/x: OperationalError" in err
    assert carried_out == []


def test_a_damaged_record_is_made_again(prune, carried_out, finished, tmp_path):
    finished(20, 40)
    sorted(tmp_path.rglob("record.json"))[0].write_text("{}")
    code, _, err = prune("-m", "method.penalty=20,40")
    assert code == 0
    assert len(carried_out) == 1
    assert "2 finished, 0 failed, 0 left" in err


def test_a_record_of_a_newer_program_is_a_failure_of_its_run(prune, carried_out, finished, tmp_path):
    finished(20, 40)
    file = sorted(tmp_path.rglob("record.json"))[0]
    file.write_text(newer := json.dumps(json.loads(file.read_text()) | {"version": 99}))
    code, _, err = prune("-m", "method.penalty=20,40")
    assert (code, carried_out, file.read_text()) == (1, [], newer)
    assert "update prune" in err
    assert "1 finished, 1 failed, 0 left" in err


def test_an_interrupted_sweep_says_what_is_done_and_left_and_goes_on(prune, carried_out, monkeypatch):
    code, out, err = prune("-m", f"method.penalty=20,{INTERRUPT},40")
    assert code == 130
    assert "penalty 20" in out
    assert f"left:\n  method.penalty={INTERRUPT}\n  method.penalty=40\n1 finished, 0 failed, 2 left" in err
    assert "goes on from the last checkpoint" in err
    monkeypatch.setattr(pretended, "INTERRUPT", -1)
    assert prune("-m", f"method.penalty=20,{INTERRUPT},40")[0] == 0
    assert penalties(carried_out) == [20, INTERRUPT, INTERRUPT, 40]


def test_every_target_is_a_run_of_its_own(prune, carried_out, tmp_path):
    code, _, err = prune("-m", "target.density=[0.5,0.4]", f"method.penalty=20,{CRASH}")
    assert code == 1
    assert [(c.target.density, c.method.penalty) for c in carried_out] == [
        (0.5, 20), (0.4, 20), (0.5, CRASH), (0.4, CRASH),
    ]  # fmt: skip
    assert "2/4  method.penalty=20 target.density=0.4\n" in err
    commands = re.findall(r"again: (.*)", err)
    assert [re.findall(r"target\S+", command) for command in commands] == [
        ["target.density=0.5"],
        ["target.density=0.4"],
    ]


def test_a_mistake_in_one_combination_is_found_before_any_starts(prune, carried_out, tmp_path):
    code, _, err = prune("-m", "method.penalty=20,-1", "method.density=0.5,2", "schedule.epochs=-1")
    assert code == 2
    assert err.splitlines() == [
        "prune: schedule.epochs=-1.0: must be above 0",
        "       method.penalty=20 method.density=2 (and in 1 more): method.density=2.0: must be above 0, at most 1",
        "       method.penalty=-1 method.density=0.5 (and in 1 more): method.penalty=-1.0: must be at least 0",
    ]
    assert carried_out == []
    assert list(tmp_path.iterdir()) == []


def test_all_combinations_of_a_sweep_and_each_value_of_a_search_are_composed():
    grid = read(["-m", *DEMO, "method.penalty=1,2", "seed=3,4,5"])
    found = [(one.config.method.penalty, one.config.seed) for one in combinations(grid)]
    assert found == [(1, 3), (1, 4), (1, 5), (2, 3), (2, 4), (2, 5)]
    searched = ["method.penalty=tag(log,interval(1,100))", "seed=choice(3,4,5)"]
    found = [(one.config.method.penalty, one.config.seed) for one in combinations(read(DEMO), searched)]
    assert found == [(1, 3), (100, 4), (100, 5)]
    with pytest.raises(ConfigErrors, match="method.penalty=-1"):
        combinations(read(DEMO), ["method.penalty=interval(-1,100)"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["hydra/launcher=joblib"], "hydra/launcher=joblib: for a sweep of runs only: prune -m hydra/launcher=joblib"),
        (["hydra/sweeper=optuna"], "hydra/sweeper=optuna: for a sweep of runs only"),
        (["-m", "search.min_speedup=2,3"], "search.min_speedup=2,3: read by a search only: prune -m hydra/sweeper="),
        (["-m", "method.penalty=interval(1,2)"], "an interval is for a search: prune -m hydra/sweeper=optuna"),
        (["-m", "seed=1,2", "hydra.sweep.dir=x"], "hydra.sweep.dir=x: follows from outputs="),
        (["-m", "seed=1,2", "hydra.sweeper.direction=minimize"], "follows from search.objective="),
        (["-m", "seed=1,2", "hydra/launcher=jobs"], "Could not find 'hydra/launcher/jobs'"),
    ],
)
def test_what_does_nothing_is_refused(prune, carried_out, words, said):
    code, _, err = prune(*words)
    assert code == 2
    assert said in err
    assert carried_out == []


@pytest.mark.parametrize(
    ("word", "extra"),
    [
        ("hydra/launcher=joblib", ".[joblib]"),
        ("hydra/launcher=submitit_local", ".[slurm]"),
        ("hydra/launcher=submitit_slurm", ".[slurm]"),
        ("hydra/sweeper=optuna", ".[optuna]"),
    ],
)
def test_what_is_not_installed_is_named_with_the_extra_that_brings_it(prune, carried_out, monkeypatch, word, extra):
    def missing(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr("importlib.metadata.version", missing)
    code, _, err = prune("-m", word, "seed=1,2")
    assert code == 2
    assert f"{word}: needs hydra-" in err
    assert f"pip install -e '{extra}'" in err
    assert carried_out == []


def test_slurm_is_asked_for_where_there_is_none(prune, monkeypatch):
    monkeypatch.setattr("importlib.metadata.version", lambda _: "1")
    monkeypatch.setattr("shutil.which", lambda _: None)
    code, _, err = prune("-m", "hydra/launcher=submitit_slurm", "seed=1,2")
    assert code == 2
    assert "there is no Slurm on this machine (no sbatch)" in err


def test_notes_are_in_the_order_of_their_runs(tmp_path):
    folder = SweepFolder.new(str(tmp_path))
    for number in (10, 2, 1):
        folder.note(number).write_text(json.dumps({"number": number}))
    assert [note["number"] for note in folder.notes()] == [1, 2, 10]
    assert SweepFolder.new(str(tmp_path)).path != folder.path
