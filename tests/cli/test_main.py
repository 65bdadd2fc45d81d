"""The command: help, commands, mistakes reported all together; nothing heavy before the config is good."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from prune import __version__
from prune.cli import commands, main
from prune.config.keys import GROUPS, choices
from prune.files.paths import PACKAGE
from prune.recipes import library

HEAVY = ("torch", "transformers", "datasets", "accelerate", "evaluate", "sklearn", "pandas")
SPY = """
import json, sys
from prune.cli import main
for words in json.loads(sys.argv[1]):
    code = 0
    try:
        main.main(words)
    except SystemExit as end:
        code = end.code
    imported = sorted({name.split(".")[0] for name in sys.modules})
    print(json.dumps({"words": words, "code": code, "imported": imported}), file=sys.stderr)
"""


def command(*words, cwd, program=("-m", "prune"), **variables):
    environment = os.environ | {"PYTHONPATH": str(PACKAGE.parent)} | variables
    line = [sys.executable, *program, *words]
    return subprocess.run(line, capture_output=True, text=True, cwd=cwd, env=environment, check=False)


@pytest.mark.parametrize("words", [(), ("--help",), ("-h",), ("help",)])
def test_help_lists_every_choice_and_says_who_lists_the_recipes(prune, words):
    code, out, err = prune(*words)
    assert (code, err) == (0, "")
    for group in GROUPS:
        assert f"  {group}=" in out
        (line,) = [line for line in out.splitlines() if line.startswith(f"  {group}=")]
        assert line.split("=", 1)[1].strip().split(", ") == choices(group)
    assert "  recipe=    a name that `prune recipes` lists" in out


def test_recipes_are_listed_by_task_with_what_they_promise(prune):
    code, out, err = prune("recipes")
    assert (code, err) == (0, "")
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in out.splitlines() if line.startswith("│")]
    assert sorted(row[0] for row in rows) == library.names()
    tasks = [row[1] for row in rows]
    assert tasks == sorted(tasks)
    assert ["squad/bert_base_7", "squad", "bert_base", "hybrid_filled", "f1 87.71", "2.44x"] in rows
    assert ["demo", "demo", "demo", "hybrid_filled", "", ""] in rows


def test_recipes_are_filtered_by_words(prune):
    _, out, _ = prune("recipes", "MNLI", "base", "hybrid_filled")
    named = [line.split("│")[1].strip() for line in out.splitlines() if line.startswith("│")]
    assert named == [name for name in library.names() if name.startswith("mnli/bert_base")] != []


def test_recipes_that_are_not_there_are_no_empty_table(prune):
    code, out, err = prune("recipes", "mnli", "sst2")
    assert (code, out) == (2, "")
    assert "prune recipes: none has 'mnli' and 'sst2'" in err


def test_version(prune):
    assert prune("--version") == (0, f"prune {__version__}\n", "")


def test_an_unknown_verb_is_refused_with_the_nearest(prune):
    code, out, err = prune("tabel")
    assert (code, out) == (2, "")
    assert "'tabel' is not a command (did you mean 'table'?)" in err


def test_an_unknown_verb_near_to_none_is_refused_with_all_verbs(prune):
    code, _, err = prune("xyz", "seed=1")
    assert code == 2
    assert f"{', '.join(commands.names())}, or key=value" in err
    assert "did you mean" not in err


def test_run_is_the_verb_that_none_means(prune):
    assert prune("run", "--cfg", "job", "seed=3") == prune("--cfg", "job", "seed=3")


def test_cfg_shows_the_composed_config(prune):
    code, out, _ = prune("--cfg", "job", "model=demo", "method.penalty=7")
    assert code == 0
    assert "path: pkg://demo/model" in out
    assert "penalty: 7.0" in out


def test_several_mistakes_are_reported_together(prune, tmp_path):
    code, out, err = prune(
        "method=hybird", "metod.penalty=3", "method.penalty=abc", "schedule.start_from=scratch", "+new=1"
    )
    lines = err.splitlines()
    assert (code, out, len(lines)) == (2, "", 5)
    for start, nearest, allowed in [
        ("method=hybird", "'hybrid'", "hybrid_filled"),
        ("metod.penalty=3", "'method.penalty'", ""),
        ("method.penalty=abc", "", "float"),
        ("schedule.start_from=scratch", "", "pretrained or dense"),
        ("+new=1", "", "write new=value"),
    ]:
        (line,) = [line for line in lines if line.removeprefix("prune:").strip().startswith(start)]
        assert nearest in line
        assert allowed in line
    assert list(tmp_path.iterdir()) == []


def test_impossible_values_are_reported_together(prune, tmp_path):
    code, _, err = prune(
        "model=demo", "task=demo", "method.density=0", "method.attention.criterion=movment", "schedule.epochs=-1"
    )
    assert code == 2
    assert err.startswith("prune: ") and len(err.splitlines()) == 3  # and nothing of Hydra's own
    assert "method.density=0.0: must be above 0, at most 1" in err
    assert "method.attention.criterion=movment: not known (did you mean 'movement'?). Allowed: l0, magnitude" in err
    assert "schedule.epochs=-1.0: must be above 0" in err
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_recipe_is_refused_with_the_nearest(prune):
    code, _, err = prune("recipe=dem")
    assert code == 2
    assert "recipe=dem: there is no such recipe (did you mean 'demo'?)" in err


def test_a_missing_recipe_does_not_hide_other_mistakes(prune):
    code, _, err = prune("recipe=dem", "metod.penalty=3")
    assert code == 2
    assert "recipe=dem" in err
    assert "metod.penalty" in err


@pytest.mark.parametrize("word", ["method=", "method.penalty=[1", "method.penalty=1 2}", "=3"])
def test_words_that_hydra_cannot_parse_are_a_mistake_not_a_crash(prune, word):
    code, _, err = prune(word)
    assert code == 2
    assert err.startswith("prune: ")


def test_a_word_without_a_value_is_refused(prune):
    code, _, err = prune("seed=1", "method")
    assert code == 2
    assert "method" in err


def test_a_sweep_of_one_value_is_refused(prune):
    code, _, err = prune("-m", "method.penalty=20")
    assert code == 2
    assert "a sweep of one value is no sweep" in err


def test_two_values_without_m_are_refused(prune, tmp_path):
    code, _, err = prune("model=demo", "task=demo", "method.penalty=20,30")
    assert code == 2
    assert "method.penalty" in err
    assert "-m" in err or "--multirun" in err
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_flag_ends_with_code_2(prune):
    code, _, err = prune("--froce", "seed=1")
    assert code == 2
    assert "--froce" in err


def test_table_of_a_missing_folder_is_refused(prune):
    code, _, err = prune("table", "nowhere")
    assert code == 2
    assert "nowhere: there is no such folder" in err


def test_table_of_an_empty_folder_is_refused(prune, tmp_path):
    (tmp_path / "outputs").mkdir()
    code, _, err = prune("table")
    assert code == 2
    assert "outputs holds no finished run" in err


def test_an_interrupt_says_how_to_go_on(prune, monkeypatch):
    def interrupted(words):
        raise KeyboardInterrupt

    monkeypatch.setattr(main, "_dispatch", interrupted)
    code, _, err = prune("seed=1")
    assert code == 130
    assert "goes on from the last checkpoint" in err


def test_what_may_not_be_written_or_read_is_named(prune, monkeypatch):
    def refused(words):
        raise PermissionError(13, "Permission denied", "there/results.csv")

    monkeypatch.setattr(main, "_dispatch", refused)
    code, _, err = prune("seed=1")
    assert code == 2
    assert "there/results.csv: Permission denied. Name another folder" in err


LIGHT = [
    (["--help"], 0),
    (["--cfg", "job"], 0),
    (["--cfg", "job", "recipe=demo", "method.penalty=5"], 0),
    (["method=hybird", "metod.penalty=3"], 2),
    (["recipe=dem"], 2),
    (["recipes"], 0),
    (["verify", "dem"], 2),
    (["verify", "demo"], 2),
    (["model=demo", "task=demo", "method.density=0", "method.attention.block=[5,5]"], 2),
    (["-m", "seed=1"], 2),
    (["tabel"], 2),
    (["--info"], 2),
    (["-m", "method.penalty=range(0,1e9)"], 2),
    (["model=demo", "task=demo", "outputs=/dev/null"], 2),
    (["-m", "model=demo", "task=demo", "method=hybrid_filled", "seed=1,2", "outputs=/dev/null"], 2),
    (["table"], 2),
    (["table", "--help"], 0),
]
"""Commands that end before data or weights are touched, and their codes."""


@pytest.fixture(scope="module")
def spied(tmp_path_factory):
    """What had been imported after each of `LIGHT`, called one after the other in one process."""
    words = json.dumps([words for words, _ in LIGHT])
    result = command(words, cwd=tmp_path_factory.mktemp("light"), program=("-c", SPY))
    found = [json.loads(line) for line in result.stderr.splitlines() if line.startswith('{"words"')]
    return {tuple(one["words"]): one for one in found}


@pytest.mark.parametrize(("words", "code"), LIGHT, ids=lambda value: " ".join(value) if isinstance(value, list) else "")
def test_nothing_heavy_is_imported_before_a_config_is_good(words, code, spied):
    found = spied[tuple(words)]
    assert found["code"] == code
    assert "prune" in found["imported"]
    assert set(found["imported"]) & set(HEAVY) == set()


def test_it_works_from_another_folder_and_leaves_nothing_there(tmp_path):
    result = command("--cfg", "job", "recipe=demo", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "path: pkg://demo/model" in result.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_mistake_ends_the_process_with_code_2_and_no_traceback(tmp_path):
    result = command("method.penalty=abc", cwd=tmp_path)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("prune: method.penalty=abc")
    assert "Traceback" not in result.stderr


def test_the_script_of_the_package_is_this_command():
    script = Path(sys.executable).with_name("prune")
    assert "from prune.cli.main import main" in script.read_text()
