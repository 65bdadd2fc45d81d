"""`prune overlap`: what it finds in folders of runs, what it writes, and what it says of what cannot be compared."""

import csv
import io
import json
import re
import shutil

import pytest
from safetensors.numpy import load_file, save_file

from prune.cli.commands import overlap
from prune.overlap.comparison import SEEDS
from prune.overlap.formats import FORMATS
from prune.overlap.kept import KINDS
from prune.report.page.write import write_report
from prune.results.selection import FILTERS
from tests.overlap.models import random_masks, run
from tests.report.folders import configured
from tests.report.test_page import content


@pytest.fixture
def outputs(tmp_path):
    """Two runs of a configuration that removes units, one of another; and one ticket with all units, twice."""
    folder = tmp_path / "outputs"
    run(folder, "a", heads=[0, 1], dimensions=[0, 1, 2])
    run(folder, "a", heads=[0, 2], dimensions=[0, 1, 2], seed=1, config=configured(20, seed=1, note="a"))
    run(folder, "b", heads=[0, 1], dimensions=[3, 4, 5], task="mnli")
    run(folder, "ticket", weights=random_masks(0), method="lottery_ticket")
    run(folder, "again", weights=random_masks(0), method="lottery_ticket")
    run(folder, "other", weights=random_masks(1), method="lottery_ticket")
    return folder


def lines(prune, *words):
    """(kind, first, second) -> the line of CSV over all layers."""
    code, out, _ = prune("overlap", *words, "format=csv")
    assert code == 0
    found = list(csv.DictReader(io.StringIO(out)))
    return {(one["kind"], one["first"], one["second"]): one for one in found if not one["layer"]}


def test_units_within_and_between_configurations(prune, outputs):
    found = lines(prune, "what=units")
    a, b = "sst2, hybrid, a", "mnli, hybrid, b"
    assert {kind for kind, *_ in found} == {"heads", "dimensions"}
    assert float(found["heads", a, a]["jaccard"]) == pytest.approx(1 / 3)
    assert float(found["heads", a, a]["expected"]) == pytest.approx(1 / 3)
    assert found["heads", b, a]["pairs"] == "2"
    assert float(found["heads", b, a]["jaccard"]) == pytest.approx((1 + 1 / 3) / 2)
    assert float(found["dimensions", b, a]["jaccard"]) == 0
    assert float(found["dimensions", b, a]["excess"]) == pytest.approx(-1 / 3)


def test_weights_of_tickets_whose_units_are_all_kept(prune, outputs):
    found = lines(prune, "method=lottery_ticket")
    again, other, ticket = (f"lottery_ticket, {name}" for name in ("again", "other", "ticket"))
    assert float(found["weights", again, ticket]["jaccard"]) == 1
    assert float(found["weights", again, ticket]["expected"]) == pytest.approx(1 / 3)
    assert abs(float(found["weights", other, ticket]["excess"])) < 0.1
    assert {kind for kind, *_ in found} == {"weights"}


def test_a_removed_unit_is_the_same_as_one_of_zeros(prune, tmp_path):
    outputs = tmp_path / "outputs"
    run(outputs, "removed", heads=[0, 3], dimensions=[1, 3, 5])
    zeros = run(outputs, "zeros")
    weights = load_file(zeros / "model" / "model.safetensors")
    for name, weight in weights.items():
        of_units = weight.T if "output" in name else weight
        kept = (0, 1, 6, 7) if "attention" in name else (1, 3, 5)  # two features of a head
        of_units[[unit for unit in range(len(of_units)) if unit not in kept]] = 0
    save_file(weights, zeros / "model" / "model.safetensors")
    found = lines(prune, str(outputs))
    assert float(found["weights", "hybrid, removed", "hybrid, zeros"]["jaccard"]) == 1
    assert {kind for kind, *_ in found} == {"weights"}


def test_run_by_run_and_by_seeds(prune, outputs):
    assert ("heads", "hybrid, a, seed 0", "hybrid, a, seed 1") in lines(prune, "task=sst2", "method=hybrid", "each=run")
    a, b = "sst2, hybrid, a", "mnli, hybrid, b"
    same = lines(prune, "method=hybrid", "seeds=same")
    assert float(same["heads", b, a]["jaccard"]) == 1
    assert ("heads", a, a) not in same
    assert float(lines(prune, "method=hybrid", "seeds=different")["heads", b, a]["jaccard"]) == pytest.approx(1 / 3)


def test_layers_are_told_where_asked_for(prune, outputs):
    _, plain, _ = prune("overlap", "method=hybrid", "format=csv")
    _, by_layer, _ = prune("overlap", "method=hybrid", "format=csv", "layers=true")
    rows = list(csv.DictReader(io.StringIO(by_layer)))
    assert [row for row in rows if not row["layer"]] == list(csv.DictReader(io.StringIO(plain)))
    assert {(row["layer"], row["site"]) for row in rows} == {
        ("", ""), ("layer 0", "attention"), ("layer 0", "feed_forward"),
    }  # fmt: skip
    _, out, _ = prune("overlap", "method=hybrid", "layers=true")
    assert "layer by layer" in out


def test_what_is_written_does_not_depend_on_the_format(prune, outputs):
    prune("overlap", "what=units")
    files = {file: (outputs / file).read_text() for file in ("overlap.csv", "overlap.json")}
    assert {file.name for file in (outputs / "figures").iterdir()} == {
        f"overlap-small-{kind}.{form}" for kind in ("heads", "dimensions") for form in ("svg", "png")
    }
    _, out, _ = prune("overlap", "what=units", "format=json", "layers=true")
    assert out == files["overlap.json"]
    _, out, _ = prune("overlap", "what=units", "format=csv", "layers=true")
    assert out == files["overlap.csv"]


def test_the_matrix_as_text_and_as_markdown(prune, outputs):
    _, out, err = prune("overlap", "method=hybrid", "what=units")
    assert "heads of small" in out
    assert re.search(r"2  sst2, hybrid, a \(2 runs\) +│ +0.67 │ +0.33 │", out)
    assert "+0.33" in out
    _, markdown, _ = prune("overlap", "method=hybrid", "what=units", "format=markdown")
    deviation = 4 / 3**2 * (1 / 3) ** 0.5  # two of four heads in both runs: 1/6, 4/6 and 1/6 that they share 0, 1, 2
    cells = f"0.67 +0.33 ±{deviation:.2f} 2 pairs | 0.33 +0.00 ±{deviation:.2f} 1 pair"
    assert f"| 2  sst2, hybrid, a (2 runs) | {cells} |" in markdown.splitlines()
    assert "left out" not in err


def test_what_keeps_everything_is_left_out_and_told(prune, outputs):
    code, out, err = prune("overlap", "what=units")
    assert code == 0
    assert "heads of small: 3 of 5 left out, which keep all of them, or none" in err
    assert "lottery_ticket" not in out
    code, out, err = prune("overlap", "what=units", "method=lottery_ticket")
    assert (code, out) == (2, "")
    assert "there is nothing to compare" in err


def test_without_weights_units_come_from_what_is_there(prune, outputs):
    whole = lines(prune, "what=units")
    write_report(outputs)
    for file in outputs.rglob("model.safetensors"):
        file.unlink()
    assert lines(prune, "what=units") == whole
    for file in outputs.rglob("report.json"):
        file.unlink()
    assert lines(prune, "what=units") == whole
    code, out, err = prune("overlap", "what=weights")
    assert (code, out) == (2, "")
    assert "the weights of its model are not there" in err
    assert "weights: no run's folder says which are kept" in err


def test_a_run_without_anything_is_named_and_takes_no_other_with_it(prune, outputs):
    for model in (outputs / "sst2").rglob("a/seed_0/model"):
        shutil.rmtree(model)
    code, _, err = prune("overlap", "what=units")
    assert code == 0
    assert "left out: sst2/small/hybrid/a/seed_0: it has neither a model nor a report.json" in err


def test_runs_of_different_shapes_are_not_compared(prune, tmp_path):
    outputs = tmp_path / "outputs"
    run(outputs, "a", heads=[0, 1])
    other = run(outputs, "b", heads=[0, 1])
    config = json.loads((other / "model" / "config.json").read_text()) | {"intermediate_size": 7}
    (other / "model" / "config.json").write_text(json.dumps(config))
    code, out, err = prune("overlap")
    assert (code, out) == (2, "")
    assert "no other run has a dense model of the shape of hybrid, a's" in err
    assert "no other run has a dense model of the shape of hybrid, b's" in err


def test_the_page_shows_what_was_found_and_survives_what_was_not(prune, outputs):
    prune("overlap")
    figures = content(write_report(outputs))["overlaps"]
    assert [one["title"] for one in figures] == ["heads of small", "dimensions of small", "weights of small"]
    cells = figures[0]["data"]["cells"]
    assert {"row": "2  sst2, hybrid, a (2 runs)", "column": "1", "index": "0.67"}.items() <= cells[0].items()
    for wrong in ("[", "{}", '{"version": 1, "comparisons": 3}', '{"version": 1, "comparisons": [{}]}'):
        (outputs / "overlap.json").write_text(wrong)
        page = content(write_report(outputs))
        assert page["overlaps"] == []
        assert any("shown without overlap.json" in problem for problem in page["problems"])


@pytest.mark.parametrize("change", [
    {"first": 9}, {"second": 0, "first": 1}, {"first": -1}, {"layers": [{}]}, {"figures": {"jaccard": 7.0}},
    {"figures": {"jaccard": None}}, {"figures": {"more": 1}},
])  # fmt: skip
def test_numbers_that_do_not_agree_are_not_drawn(prune, outputs, change):
    prune("overlap", "what=units")
    file = outputs / "overlap.json"
    found = json.loads(file.read_text())
    pair = found["comparisons"][0]["pairs"][0]
    found["comparisons"][0]["pairs"][0] = pair | change | {"figures": pair["figures"] | change.get("figures", {})}
    file.write_text(json.dumps(found))
    assert content(write_report(outputs))["overlaps"] == []


def test_names_are_data(prune, tmp_path):
    outputs = tmp_path / "outputs"
    for number in (0, 1):
        run(outputs, f"a{number}", heads=[0, number + 1], setting=f"=x\u202e|<b>{number}")
    code, out, _ = prune("overlap", "what=units")
    assert code == 0
    assert "\u202e" not in out
    _, markdown, _ = prune("overlap", "what=units", "format=markdown")
    assert r"\|\<b\>" in markdown
    assert "</script><" not in write_report(outputs).read_text().replace("</script>\n<", "")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nowhere",), "nowhere: there is no such folder. Name the outputs folder: prune overlap <folder>"),
        (("empty",), "empty holds no finished run"),
        (("typo=1",), "'typo=1' is not known"),
        (("what=heads",), "what=heads: not known. Allowed: units, weights"),
        (("each=runs",), "did you mean 'run'?"),
        (("seeds=0",), "seeds=0: not known. Allowed: any, same, different"),
        (("layers=yes",), "layers=yes: not known. Allowed: true, false"),
        (("format=latex",), "format=latex: not known. Allowed: text, markdown, csv, json"),
        (("task=sst",), "did you mean 'sst2'?"),
        (("outputs", "more"), "'more' is not known"),
        (("task=mnli",), "there is nothing to compare"),
    ],
)
def test_words_that_cannot_be_meant_are_refused_in_a_sentence(prune, outputs, words, said):
    (outputs.parent / "empty").mkdir()
    code, out, err = prune("overlap", *words)
    assert (code, out) == (2, "")
    assert said in " ".join(err.split())


def test_every_option_is_in_the_help():
    told = " ".join(usage + meaning for usage, meaning in overlap.USAGE)
    for word in (*FILTERS, *overlap._OPTIONS, *KINDS, *SEEDS, *FORMATS[1:]):
        assert word in told
