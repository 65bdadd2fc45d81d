"""A run and the table in a terminal."""

import io

import pytest
from rich.console import Console

from prune.cli.main import main
from prune.report.detail.run import detail_of
from prune.report.terminal import table
from prune.report.terminal.run import draw_run, sparkline
from prune.report.terminal.table import table_of
from prune.results.record import Record
from prune.runtime.sanitize import one_line
from tests.report.folders import configured, measured, save, with_model
from tests.report.records import record
from tests.results.test_formats import ODD


def shown(folder):
    file = folder / "record.json"
    one = Record.read(file) if file.exists() else None
    console = Console(file=io.StringIO(), width=140)
    console.print(draw_run(folder, one, detail_of(folder, one)))
    return console.file.getvalue()


def test_a_sparkline_is_as_high_as_its_values():
    assert sparkline([0.0, 0.5, 1.0], 1.0) == " ▄█"
    assert sparkline([0.0, 0.001], 1.0) == " ▁"
    assert sparkline([0.0, 0.0], 0.0) == "  "


def test_many_values_are_drawn_as_means():
    assert len(sparkline([1.0] * 1000, 1.0)) <= 40
    assert set(sparkline([0.0, 1.0] * 500, 1.0)) <= set("▃▄▅")


def test_it_tells_metrics_speed_layers_and_how_to_do_it_again(tmp_path):
    folder = with_model(save(tmp_path, measured(2, config=configured(20)), "a"), heads=[0, 3], dimensions=[1, 2, 5])
    text = shown(folder)
    for part in (
        "85.12",
        "2.00x (1.80 to 2.20)",
        "2 of 4 heads",
        "■··■",
        "3 of 6 dimensions",
        "loss total",
        "recipe.yaml",
    ):
        assert part in text


def test_a_killed_run_is_shown_with_what_it_has(tmp_path):
    (tmp_path / "seed_0").mkdir()
    folder = with_model(tmp_path / "seed_0", [0], [1])
    text = shown(folder)
    assert "finished stages" in text
    assert "1 of 4 heads" in text


def test_markup_in_a_name_is_shown_as_it_is(tmp_path):
    folder = save(tmp_path, measured(2, setting="[red]x[/red]", config=configured(20)), "a")
    assert "hybrid, [red]x[/red]" in shown(folder)


def test_the_verb_shows_it(tmp_path, capsys):
    main(["show", str(save(tmp_path, measured(2, config=configured(20)), "a"))])
    assert "hybrid, penalty 20" in capsys.readouterr().out


def test_a_verb_after_it_still_shows_its_table(tmp_path, capsys):
    main(["show", str(save(tmp_path, measured(2, config=configured(20)), "a"))])
    main(["table", str(tmp_path)])
    assert "2.00x" in capsys.readouterr().out


@pytest.mark.parametrize("name", ODD)
def test_a_name_is_shown_in_a_terminal_as_it_is(name):
    console = Console(file=io.StringIO(), width=200)
    console.print(table_of([record(model=name)]))
    assert one_line(name) in console.file.getvalue()


def test_a_terminal_gets_the_first_of_very_many_rows_and_is_told(monkeypatch):
    monkeypatch.setattr(table, "_MOST_ROWS", 3)
    drawn = table_of([record(method=name) for name in "abcd"])
    assert drawn.row_count == 3
    assert drawn.caption.plain.startswith("The first 3 of 5 rows; format=markdown gives all.")
    assert table_of([record()]).caption.plain.startswith("params")
