"""Names from strangers: they lead to no file but a run's own, and are drawn and listed whatever they hold."""

import pytest

from prune.recipes.reproduction import config_of
from prune.report.cards.write import write_card, write_missing_cards
from prune.report.figures.files import save as save_figure
from prune.report.figures.run import kinds
from prune.report.figures.theme import LIGHT
from prune.report.page.write import write_report
from tests.report.folders import configured
from tests.report.records import record
from tests.report.strangers import described, files_under, run

PATHS = [
    "../../../ESCAPED/a",
    "/tmp/prune_escaped/a",
    "..",
    "..\\..\\a",
    "a/../../b",
    "~/a",
    "C:\\a",
    ".hidden",
    "x" * 255,
]
DRAWN = ["\x01", "\x1b[2J", "\x00", "a\nb", "\u2028", "\ufffe", "\uffff", "\ud800", "\\x", "\\", "\"' + data('x') + '",
         "\U0001f600" * 60, "a" + "\U0001f600" * 60, "x" * 10_000, "\u202e", "<b>&]]>", "\u0300" * 500]  # fmt: skip
"""What ends the process that draws a figure, or is read as a part of its description."""


@pytest.mark.parametrize("name", PATHS)
def test_a_figure_lies_among_the_figures_whatever_it_is_named(name, tmp_path):
    files = save_figure(kinds(LIGHT)["latency"], {"latency": []}, tmp_path / "run", name)
    assert {file.parent for file in files} == {tmp_path / "run" / "figures"}
    assert sorted(files_under(tmp_path)) == sorted(file.relative_to(tmp_path).as_posix() for file in files)


@pytest.mark.parametrize("text", DRAWN, ids=lambda text: ascii(text)[:24])
def test_a_figure_is_drawn_whatever_its_texts_hold(text, tmp_path):
    rows = [{"shape": text, "model": text, "ms": 1.0, "text": text}]
    svg, _ = save_figure(kinds(LIGHT)["latency"], {"latency": rows}, tmp_path, "latency")
    assert svg.read_text().startswith("<svg")


@pytest.mark.parametrize("number", [10**99, -(10**99), 1e99, 1e-300, -1, 0, 2**63], ids="{:.0e}".format)
def test_a_figure_is_drawn_whatever_its_numbers_are(number, tmp_path):
    rows = [{"shape": "1 x 8", "model": "dense", "ms": number, "text": str(number)}]
    svg, _ = save_figure(kinds(LIGHT)["latency"], {"latency": rows}, tmp_path, "latency")
    assert svg.read_text().startswith("<svg")


@pytest.mark.parametrize("name", ["../../../ESCAPED/a", "\\x"])
def test_names_of_a_record_lead_nowhere(name, tmp_path):
    outputs = tmp_path / "a" / "b" / "c" / "outputs"
    run(outputs, task=name, model=name, method=name, setting=name, metric=name, baseline=name)
    assert write_missing_cards(outputs) == []
    write_report(outputs)
    assert [file for file in files_under(tmp_path) if not file.startswith("a/b/c/outputs/")] == []
    assert len(list((outputs / "figures").glob("*.svg"))) == 4


def test_names_in_a_config_lead_to_no_file(tmp_path):
    config = configured(20)
    config["model"] |= {"name": "../../../../secret", "path": "/etc"}
    config["task"] |= {"name": "../task/sst2", "path": "../../x"}
    (tmp_path / "a" / "dense").mkdir(parents=True)
    folder = run(tmp_path / "a", config=config)
    assert described(folder).sublayers
    assert "base_model" not in write_card(folder).read_text()


def test_a_config_is_no_interpolation(monkeypatch):
    monkeypatch.setenv("PRUNE_SECRET", "secret")
    config = configured(20)
    config["task"] |= {"name": "${oc.env:PRUNE_SECRET}", "path": "\\${task.name}"}
    found = config_of(record(config={key: config[key] for key in ("model", "task")}))
    assert (found.task.name, found.task.path) == ("${oc.env:PRUNE_SECRET}", "\\${task.name}")
