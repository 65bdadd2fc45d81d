"""Records from strangers in tables and terminals: no formula, no escape sequence; and a bad one hides no good one."""

import csv
import io
import os
from pathlib import Path

import pytest

from prune.cli.main import main
from prune.results.files import records_as_csv
from prune.results.formats import as_text
from prune.results.table import table_rows
from tests.report.folders import configured, measured, save
from tests.report.records import record
from tests.report.strangers import ESCAPES, described, run


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1+1", "@a", " =1", "\t=1", "\r=1", "\n=1", "=cmd|' /C calc'!A0"])
def test_no_cell_is_a_formula(name):
    one = record(task=name, model=name, method=name, setting=name, measured_on=name, scores={name: {name: 0.5}})
    for text in (records_as_csv({Path(name): one}), as_text(table_rows([one]), "csv")):
        lines = list(csv.reader(io.StringIO(text, newline="")))
        assert all(len(line) == len(lines[0]) for line in lines)
        for cell in (cell for line in lines for cell in line):
            assert not cell.lstrip().startswith(("=", "+", "@"))
            assert not cell.startswith("-") or float(cell) < 0
            assert cell.isprintable()


@pytest.mark.parametrize("form", ["markdown", "latex", "csv", "json"])
def test_no_format_moves_a_cursor(form):
    one = record(task=ESCAPES, model=ESCAPES, method=ESCAPES, setting=ESCAPES, scores={ESCAPES: {ESCAPES: 1.0}})
    assert as_text(table_rows([one]), form).replace("\n", "").isprintable()


def test_markup_of_a_history_is_shown_as_it_is(tmp_path):
    folder = run(tmp_path)
    (folder / "filled" / "history.json").write_text('[{"loss": 1, "step": 1, "density_[/x]": 0.5}]')
    assert "[/x]" in str(described(folder))


@pytest.mark.parametrize("words", [["report"], ["table"], ["table", "format=csv"]])
def test_a_bad_record_is_named_and_the_others_are_shown(words, tmp_path, capsys):
    bad = run(tmp_path, task="\x01", seconds={"dense": float("inf")})
    good = save(tmp_path, measured(2, config=configured(20)), "good")
    main([words[0], str(tmp_path), *words[1:]])
    err = capsys.readouterr().err
    assert f"{bad / 'record.json'}: task is no name" in err.replace("\n", "")
    assert str(good) not in err
    assert (tmp_path / "results.csv").is_file() or (tmp_path / "report.html").is_file()


ODD = {
    "long names of emoji": dict.fromkeys(("model", "method", "setting", "task", "measured_on"), "\U0001f600" * 60),
    "a batch of very many": {"speed": [{"batch_size": 10**50, "length": 8, "speedup": 2, "speedup_theoretical": 2}]},
    "numbers of very many digits": dict.fromkeys(("params", "linear_params", "bytes", "seed"), 10**90),
    "scores out of sight": {"value": 1e99, "dense_value": -1e99},
    "markup as names": dict.fromkeys(("model", "method", "setting", "task"), "<script>alert(1)</script>"),
    "text from right to left": dict.fromkeys(("model", "method", "setting", "task"), "\u202eabc\u2066"),
}  # fmt: skip


@pytest.mark.parametrize("case", ODD)
def test_an_odd_record_is_shown_beside_the_others(case, tmp_path, capsys):
    run(tmp_path, **ODD[case])
    save(tmp_path, measured(2, config=configured(20)), "good")
    main(["report", str(tmp_path)])
    assert "warning" not in capsys.readouterr().err
    page = (tmp_path / "report.html").read_text()
    assert "sst2/small/hybrid/good/seed_0" in page
    assert "sst2/small/hybrid/bad/seed_" in page


@pytest.mark.parametrize("kind", ["pipe", "dangling", "folder"])
@pytest.mark.parametrize("verb", ["report", "table", "show"])
def test_a_record_that_is_no_file_is_named(kind, verb, tmp_path, capsys):
    folder = run(tmp_path)
    file = folder / "record.json"
    file.unlink()
    if kind == "folder":
        file.mkdir()
    elif kind == "pipe":
        os.mkfifo(file)
    else:
        file.symlink_to("gone")
    save(tmp_path, measured(2, config=configured(20)), "good")
    try:
        main([verb, str(folder if verb == "show" else tmp_path)])
    except SystemExit as end:
        assert (verb, end.code) == ("show", 2)
    assert "record.json: it cannot be read" in capsys.readouterr().err.replace("\n", "")
