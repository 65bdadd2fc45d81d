"""A run in the terminal."""

import io

from rich.console import Console

from prune.cli import main
from prune.report.detail import detail_of
from prune.report.terminal import sparkline, story
from prune.results.record import Record
from tests.report.folders import configured, measured, save, with_model


def shown(folder):
    file = folder / "record.json"
    record = Record.read(file) if file.exists() else None
    console = Console(file=io.StringIO(), width=140)
    console.print(story(folder, record, detail_of(folder, record)))
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
