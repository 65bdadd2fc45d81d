"""`prune table`: what its words do, and what it says of words that cannot be meant."""

import csv
import gc
import io
import json

import pytest

from prune.cli.commands import table
from prune.results.files import read_records, records_as_csv, write_tables
from prune.results.formats import FORMATS, as_text
from prune.results.selection import COLUMNS, FILTERS
from prune.results.table import table_rows
from tests.report.records import record, save, speed


@pytest.fixture
def outputs(tmp_path):
    """A folder of five runs, one of them the replicate of another, and where the command is called."""
    save(tmp_path / "outputs" / "sst2" / "a" / "seed_0", record(value=0.84))
    save(tmp_path / "outputs" / "sst2" / "a" / "seed_1", record(value=0.86, seed=1))
    save(tmp_path / "outputs" / "sst2" / "b" / "seed_0", record(method="struct", value=0.80))
    save(
        tmp_path / "outputs" / "sst2" / "c" / "seed_0",
        record(model="bert_base", speed=[speed(32, 3.0, dense_ms=400.0)]),
    )
    save(tmp_path / "outputs" / "mnli" / "seed_0", record(task="mnli"))
    return tmp_path / "outputs"


@pytest.fixture
def table_of(prune):
    """Calls `prune table`: exit code, standard output, standard error."""
    return lambda *words: prune("table", *words)


def lines(out):
    return [(line["model"], line["method"]) for line in csv.DictReader(io.StringIO(out))]


def test_without_words_it_is_the_table_of_the_folder_outputs(table_of, outputs):
    code, out, err = table_of()
    assert (code, err) == (0, "")
    assert "small, sst2, 2 seeds" in out
    assert table_of(outputs)[1] == out


@pytest.mark.parametrize("form", FORMATS)
def test_a_format_is_all_that_goes_to_standard_output(table_of, outputs, form):
    records = list(read_records(outputs)[0].values())
    assert table_of(f"format={form}") == (0, as_text(table_rows(records), form), "")


def test_filters_sort_and_format_together(table_of, outputs):
    code, out, _ = table_of(outputs, "task=sst2", "model=small", "sort=speedup", "format=csv")
    assert code == 0
    assert lines(out) == [("small", "hybrid"), ("small", "struct"), ("small", "dense")]


def test_pareto_leaves_out_what_is_beaten(table_of, outputs):
    _, out, _ = table_of("task=sst2", "model=small", "pareto=true", "format=csv")
    assert lines(out) == [("small", "dense"), ("small", "hybrid")]


def test_a_reference_is_taken_from_all_runs(table_of, outputs):
    code, out, _ = table_of("task=sst2", "model=small", "reference=bert_base", "format=json")
    assert code == 0
    assert [row["speedup"]["mean"] for row in json.loads(out)] == [
        4.0,
        pytest.approx(4 * 1.756),
        pytest.approx(4 * 1.756),
    ]


def test_published_rows_stand_beside_ones_own(table_of, outputs):
    _, out, _ = table_of("published=true", "task=mnli", "format=csv")
    assert ("DistilBERT", "distilled") in lines(out)


def test_the_files_hold_all_records_whatever_is_shown(table_of, outputs):
    table_of(outputs, "task=mnli", "sort=params", "pareto=true", "published=true")
    records = read_records(outputs)[0]
    assert len(records) == 5
    assert (outputs / "results.csv").read_text() == records_as_csv(records)
    assert (outputs / "results.md").read_text() == as_text(table_rows(list(records.values())), "markdown")


def test_the_tables_are_written_from_all_records(outputs):
    records, _, problems = write_tables(outputs)
    assert problems == []
    assert sorted(path.as_posix() for path in records) == [
        "mnli/seed_0", "sst2/a/seed_0", "sst2/a/seed_1", "sst2/b/seed_0", "sst2/c/seed_0",
    ]  # fmt: skip
    assert len((outputs / "results.csv").read_text().splitlines()) == 6


def test_records_are_read_from_any_depth_but_not_from_a_runs_models(tmp_path):
    for name in ("a/b/c", "d", "d/exported/onnx", "d/model", "e/model"):
        if not (tmp_path / name / "record.json").exists():
            save(tmp_path / name, record())
    assert [path.as_posix() for path in read_records(tmp_path)[0]] == ["a/b/c", "d", "d/exported/onnx", "e/model"]


def test_a_damaged_record_is_a_warning(table_of, outputs):
    (outputs / "sst2" / "b" / "seed_0" / "record.json").write_text('{"task": ')
    code, out, err = table_of(outputs, "format=csv")
    assert (code, len(lines(out))) == (0, 6)
    assert "warning" in err
    assert "b/seed_0/record.json: " in err.replace("\n", "")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("typo=1",), "'typo=1' is not known"),
        (("sort=foo",), f"sort=foo: not known. Allowed: {', '.join(COLUMNS)}"),
        (("sort=metrik",), "did you mean 'metric'?"),
        (("sort=",), "sort=: not known"),
        (("format=xml",), "format=xml: not known"),
        (("pareto=yes",), "pareto=yes: not known. Allowed: true, false"),
        (("published=1",), "published=1: not known"),
        (("method=hybird",), "did you mean 'hybrid'?"),
        (("reference=bert_bas",), "reference=bert_bas: there is no run of that model on"),
        (("reference=",), "reference=: there is no run of that model on"),
        (("nowhere",), "nowhere: there is no such folder"),
        (("outputs", "more"), "'more' is not known"),
        (("outputs", "sort=metric", "sort=params"), "sort is given twice"),
        (("empty",), "empty holds no finished run"),
    ],
)
def test_words_that_cannot_be_meant_are_refused_in_a_sentence(table_of, outputs, words, said):
    (outputs.parent / "empty").mkdir()
    code, out, err = table_of(*words)
    assert (code, out) == (2, "")
    assert said in err
    assert err.startswith("prune: ")


def test_every_option_is_in_the_help(table_of):
    told = " ".join(usage + meaning for usage, meaning in table.USAGE)
    for word in (*FILTERS, *table._OPTIONS, *FORMATS):
        assert word in told


def test_garbage_is_collected_again_afterwards(table_of, outputs):
    table_of(outputs)
    assert gc.isenabled()
