"""The table in Markdown, LaTeX, CSV and JSON, whatever names hold."""

import csv
import io
import json
import re

import pytest

from prune.results.cells import cells
from prune.results.files import records_as_csv
from prune.results.formats import FORMATS, as_text
from prune.results.formats.text import as_latex, as_markdown
from prune.results.rows import rows
from prune.results.table import legend, table_rows
from prune.runtime.sanitize import for_markdown, one_line
from tests.report.records import record, speed

ODD = ["a|b", "a&b", "a_b", "_a_", "100%", "<b>", '"q"', "a,b", "a\nb", "[red]x[/red]", "[/bold]", "{x}", "$x$", "a\\b",
       "~^#", "*x*", "`x`", "&lt;", "\x1b[31m", "a\tb", "模型"]  # fmt: skip
"""Names that mean something in one of the formats."""


def test_markdown():
    lines = as_text(table_rows([record()]), "markdown").splitlines()
    assert lines[0] == "| model | method | params | metric | difference | speed-up |"
    assert lines[1] == "| --- | --- | --- | --- | --- | --- |"
    assert lines[2] == "| small, sst2 | dense | 100 % | accuracy 87.00 |  | 1.00x |"
    assert lines[3] == r"| small, sst2 | hybrid, penalty 20 | 30 % | accuracy 85.12 \* | -1.88 | 1.76x |"
    assert lines[4:] == ["", for_markdown(legend(table_rows([record()])))]


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("a|b", r"a\|b"), ("a_b", "a_b"), ("_a_", r"\_a\_"), ("<b>", r"\<b\>"), ("a\nb", "a b"), ("*x*", r"\*x\*"),
        ("a\\b", r"a\\b"), ("[x](y)", r"\[x\](y)"), ("&lt;", r"\&lt;"), ("a & b", "a & b"), ("`x`", r"\`x\`"),
    ],
)  # fmt: skip
def test_names_are_no_markdown(name, written):
    line = str(as_markdown(rows([record(model=name)]), "")).splitlines()[3]
    assert line.startswith(f"| {written}, sst2 | ")


@pytest.mark.parametrize("name", ODD)
def test_a_line_of_markdown_has_six_cells_whatever_a_name_holds(name):
    for line in str(as_markdown(rows([record(model=name, setting=name)]), "")).splitlines()[:4]:
        assert len(re.findall(r"(?<!\\)(?:\\\\)*\|", line)) == 7


def test_latex():
    assert str(as_latex(rows([record(model="a_b")]), "What it means.")).splitlines() == [
        r"% \usepackage{booktabs}",
        "% What it means.",
        r"\begin{tabular}{llrlrr}",
        r"\toprule",
        r"model & method & params & metric & difference & speed-up \\",
        r"\midrule",
        r"a\_b, sst2 & dense & 100 \% & accuracy 87.00 &  & 1.00x \\",
        r"a\_b, sst2 & hybrid, penalty 20 & 30 \% & accuracy 85.12 & $-$1.88 & 1.76x \\",
        r"\bottomrule",
        r"\end{tabular}",
    ]


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("[x]", "{[}x{]}"), ("a\\b", r"a\textbackslash{}b"), ("{x}", r"\{x\}"), ("a&b%c$d#e", r"a\&b\%c\$d\#e"),
        ("~^", r"\textasciitilde{}\textasciicircum{}"), ("<|>", r"\textless{}\textbar{}\textgreater{}"),
        ("a\nb", "a b"), ('"q"', r"\char34{}q\char34{}"), ("85 ± 1", r"85 $\pm$ 1"),
    ],
)  # fmt: skip
def test_names_are_no_latex(name, written):
    assert str(as_latex(rows([record(model=name)]), "")).splitlines()[6].startswith(f"{written}, sst2 & ")


@pytest.mark.parametrize("name", ODD)
def test_a_line_of_latex_has_six_cells_and_balanced_braces_whatever_a_name_holds(name):
    for line in str(as_latex(rows([record(model=name, setting=name)]), "")).splitlines()[6:8]:
        bare = re.sub(r"\\[\\{}&%$#_]", "", line)
        assert line.endswith(r" \\")
        assert bare.count("&") == 5
        assert bare.count("{") == bare.count("}")
        assert bare.count("$") % 2 == 0
        assert not set(bare) & set('%#_^~"<>|[]\n') - set("[]")
        assert not re.search(r"[\[\]](?!\})", bare)


SEEDS = [
    record(
        seed=seed,
        value=value,
        scores={"validation": {"accuracy": value}, "train_held_out": {"accuracy": value + 0.05, "f1": 0.5}},
        dense_scores={"validation": {"accuracy": 0.87}, "train_held_out": {"accuracy": 0.91}},
    )
    for seed, value in [(0, 0.84), (1, 0.86)]
]


def test_json_holds_all_scores_over_the_seeds_and_against_the_dense_model():
    dense, run = json.loads(as_text(table_rows(SEEDS), "json"))
    assert (run["kind"], run["method"], run["seeds"]) == ("run", "hybrid", [0, 1])
    assert run["value"] == {"mean": pytest.approx(0.85), "deviation": pytest.approx(0.02**0.5 / 10)}
    assert run["scores"]["train_held_out"]["accuracy"]["mean"] == pytest.approx(0.90)
    assert list(run["to_dense"]["train_held_out"]) == ["accuracy"]
    assert run["to_dense"]["train_held_out"]["accuracy"] == pytest.approx({"mean": -0.01, "deviation": 0.0002**0.5})
    assert dense["scores"]["train_held_out"]["accuracy"]["mean"] == 0.91
    assert run["speeds"]["32x8"]["speedup"]["mean"] == 1.756
    assert (run["band"], run["best_of_band"]) == ("1.5-2.5", True)
    assert run["configuration"] == SEEDS[0].configuration


def test_json_knows_no_infinity():
    (_, run) = json.loads(
        as_text(table_rows([record(scores={"validation": {"thresh": float("inf")}})]), "json"),
        parse_constant=pytest.fail,
    )
    assert run["scores"]["validation"]["thresh"]["mean"] is None


def test_csv_holds_the_same_figures_as_json():
    found = table_rows(SEEDS)
    _, line = csv.DictReader(io.StringIO(as_text(found, "csv")))
    _, run = json.loads(as_text(found, "json"))
    assert float(line["value.mean"]) == run["value"]["mean"]
    assert float(line["to_dense.train_held_out.accuracy.mean"]) == run["to_dense"]["train_held_out"]["accuracy"]["mean"]
    assert line["seeds"] == "0; 1"
    assert line["published"] == ""


@pytest.mark.parametrize("name", ODD)
def test_a_name_survives_csv_and_json(name):
    found = table_rows([record(model=name, setting=name)])
    written = csv.DictReader(io.StringIO(as_text(found, "csv"), newline=""))
    for lines, told in ((written, one_line(name)), (json.loads(as_text(found, "json")), name)):
        assert [(line["model"], line["setting"]) for line in lines] == [(told, ""), (told, told)]


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_takes_what_a_table_can_hold(form):
    odd = [
        record(),
        record(seed=1),
        record(baseline="lead-3", task="b", value=0.2),
        record(speed=[speed(1, 9.0)], model="c"),
    ]
    assert as_text(table_rows(odd), form)
    assert len(cells(table_rows(odd)[0])) == 6


def test_results_csv_holds_all_figures_of_each_record_unrounded(tmp_path):
    (line,) = csv.DictReader(io.StringIO(records_as_csv({tmp_path / "sst2" / "x": record(method='a,"b"')})))
    assert line["run"] == f"{tmp_path.as_posix()}/sst2/x"
    assert line["method"] == 'a,"b"'
    assert float(line["value"]) == 0.8512
    assert float(line["difference"]) == pytest.approx(-0.0188)
    assert (line["linear_params"], line["dense_linear_params"]) == ("300", "1000")
    assert (line["params"], line["dense_bytes"], line["speedup"]) == ("1300", "8000", "1.756")
    assert line["speedup_by_batch_size"] == "1:1.2500 32:1.7560"
    assert line["speedup_theoretical_by_batch_size"] == "1:1.8750 32:2.6340"


def test_speeds_of_another_runtime_have_a_further_column():
    """The row of an eager run has its own speed-up there, which is over the same model."""
    measured = [{**speed(32, 1.76), "speedup_over_eager": 2.5}]
    eager = record(measured_on="cpu, 1 threads, float32")
    other = record(setting="penalty 20, ONNX", measured_on="cpu, 1 threads, float32, ONNX", speed=measured)
    found = table_rows([eager, other])
    head, _, dense, *runs = as_text(found, "markdown").splitlines()
    assert head.endswith("| speed-up | over eager |")
    assert dense.endswith("| 1.00x |  |")
    assert [line.split(" | ")[-2:] for line in runs[:2]] == [["1.76x", "1.76x |"], ["1.76x", "2.50x |"]]
    assert "over eager: time of the dense model in PyTorch's eager mode" in legend(found)
    assert {line.count(" & ") for line in as_text(found, "latex").splitlines() if " & " in line} == {6}
    assert [row["speedup_over_eager"]["mean"] for row in json.loads(as_text(found, "json"))] == [None, 1.756, 2.5]
