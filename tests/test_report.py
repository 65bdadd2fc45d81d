"""Records and what is made from them."""

import csv
import io
import json
from dataclasses import asdict, replace

import pytest
from rich.console import Console

from prune.report.record import Record, results_of
from prune.report.table import COLUMNS, LEGEND, as_csv, as_markdown, as_rich, read_records, rows, write_tables


def record(**values):
    """A record made by hand."""
    content = {
        "task": "sst2", "task_version": 1, "model": "small", "method": "hybrid", "setting": "penalty 20", "seed": 0,
        "metric": "accuracy", "higher_is_better": True, "value": 0.8512, "dense_value": 0.87,
        "scores": {"validation": {"accuracy": 0.8512}}, "dense_scores": {"validation": {"accuracy": 0.87}},
        "chance": 0.51, "num_examples": {"train": 100, "validation": 40}, "num_truncated": {"validation": 0},
        "linear_density": 0.25, "linear_density_before_fill": 0.25, "linear_params": 300, "dense_linear_params": 1000,
        "params": 1300, "dense_params": 2000, "bytes": 5200, "dense_bytes": 8000, "heads_kept": [2, 0],
        "dimensions_kept": [10, 3], "largest_logit_difference": 1e-7, "peak_memory_bytes": {"dense": 1},
        "speed": [
            {"batch_size": 1, "length": 8, "speedup": 1.25, "speedup_theoretical": 2.0},
            {"batch_size": 32, "length": 8, "speedup": 1.756, "speedup_theoretical": 2.5},
        ],
        "seconds": {"dense": 1.0}, "config": {"seed": 0}, "environment": {"python": "3.11"},
    }  # fmt: skip
    return Record(**content | values)


def save(folder, one):
    folder.mkdir(parents=True)
    (folder / "record.json").write_text(json.dumps(asdict(one)))


def test_a_row_by_hand():
    dense, row = rows([record()])
    assert COLUMNS == ("model", "method", "params", "metric", "difference", "speed-up")
    assert dense == ("small, sst2", "dense", "100 %", "accuracy 87.00", "", "1.00x")
    assert row == ("small, sst2", "hybrid, penalty 20", "30 %", "accuracy 85.12", "-1.88", "1.76x")


def test_a_gain_has_its_sign():
    assert rows([record(value=0.88)])[1][4] == "+1.00"


def test_another_seed_is_named():
    assert rows([record(seed=3)])[1][0] == "small, sst2, seed 3"


def test_the_dense_row_stands_once_above_its_runs():
    found = rows(
        [record(method=name, linear_density=density) for name, density in [("b", 0.2), ("a", 0.1), ("a", 0.9)]]
    )
    assert [row[1] for row in found] == ["dense", "a, penalty 20", "a, penalty 20", "b, penalty 20"]


def test_runs_of_a_method_stand_from_dense_to_sparse():
    found = rows([record(linear_density=d, linear_params=int(1000 * d)) for d in (0.1, 0.9, 0.5)])
    assert [row[2] for row in found] == ["100 %", "90 %", "50 %", "10 %"]


def test_each_task_model_and_seed_has_its_own_dense_row():
    found = rows([record(), record(task="mnli"), record(model="large"), record(seed=1), record(dense_value=0.5)])
    assert [row[1] for row in found].count("dense") == 5


def test_the_order_of_the_records_does_not_matter():
    records = [record(method=name, seed=seed, value=0.1 * seed) for name in "ab" for seed in (0, 1, 2)]
    assert rows(records) == rows(records[::-1])


def test_a_baseline_stands_below_the_dense_row_with_its_difference():
    dense, baseline, run = rows([record(baseline="lead-3")])
    assert (dense[1], run[1]) == ("dense", "hybrid, penalty 20")
    assert baseline == ("small, sst2", "lead-3", "", "accuracy 51.00", "-36.00", "")


def test_a_baseline_stands_once_above_all_runs():
    found = rows([record(baseline="lead-3", method=name, seed=seed) for name in "ab" for seed in (0, 1)])
    assert [row[1].split(",")[0] for row in found] == ["dense", "lead-3", "a", "b"] * 2
    assert found[5][0] == "small, sst2, seed 1"


def test_a_constant_answer_is_no_row():
    assert [row[1] for row in rows([record()])] == ["dense", "hybrid, penalty 20"]


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ({"value": 0.515}, "accuracy 51.50 (chance level!)"),
        ({"value": 0.515, "baseline": "lead-3"}, "accuracy 51.50 (lead-3 level!)"),
        ({"value": 0.3, "baseline": "lead-3"}, "accuracy 30.00 (lead-3 level!)"),
        ({"value": 0.525, "baseline": "lead-3"}, "accuracy 52.50"),
    ],
)
def test_a_result_no_better_than_its_baseline_is_marked(values, shown):
    assert rows([record(**values)])[-1][3] == shown


def test_a_dense_model_no_better_than_its_baseline_is_marked():
    assert rows([record(dense_value=0.5, baseline="lead-3")])[0][3] == "accuracy 50.00 (lead-3 level!)"


def test_markdown():
    lines = as_markdown([record()]).splitlines()
    assert lines[0] == "| model | method | params | metric | difference | speed-up |"
    assert lines[1] == "| --- | --- | --- | --- | --- | --- |"
    assert lines[3] == "| small, sst2 | hybrid, penalty 20 | 30 % | accuracy 85.12 | -1.88 | 1.76x |"
    assert lines[4:] == ["", LEGEND]


def test_a_pipe_does_not_end_a_cell():
    line = as_markdown([record(model="a|b")]).splitlines()[3]
    assert line.startswith(r"| a\|b, sst2 |")


@pytest.mark.parametrize("name", ["[red]x[/red]", "[/bold]", "a[b]"])
def test_markup_in_a_name_is_shown_as_it_is(name):
    console = Console(file=io.StringIO(), width=200)
    console.print(as_rich([record(model=name)]))
    assert f"{name}, sst2" in console.file.getvalue()


def test_csv_holds_all_figures_unrounded(tmp_path):
    (line,) = csv.DictReader(io.StringIO(as_csv({tmp_path / "sst2" / "x": record(method='a,"b"')})))
    assert line["run"] == f"{tmp_path.as_posix()}/sst2/x"
    assert line["method"] == 'a,"b"'
    assert float(line["value"]) == 0.8512
    assert float(line["difference"]) == pytest.approx(-0.0188)
    assert (line["linear_params"], line["dense_linear_params"]) == ("300", "1000")
    assert (line["params"], line["dense_bytes"], line["speedup"]) == ("1300", "8000", "1.756")
    assert line["speedup_by_batch_size"] == "1:1.2500 32:1.7560"
    assert line["speedup_theoretical_by_batch_size"] == "1:2.0000 32:2.5000"


def test_the_tables_are_written_from_all_records(tmp_path):
    save(tmp_path / "sst2" / "a" / "seed_0", record())
    save(tmp_path / "sst2" / "b" / "seed_0", record(method="struct"))
    records, problems = write_tables(tmp_path)
    assert problems == []
    assert sorted(path.as_posix() for path in records) == ["sst2/a/seed_0", "sst2/b/seed_0"]
    assert (tmp_path / "results.csv").read_text() == as_csv(records)
    assert (tmp_path / "results.md").read_text() == as_markdown(list(records.values()))
    assert len((tmp_path / "results.csv").read_text().splitlines()) == 3


BROKEN = {
    "no JSON": '{"task": ',
    "a list": "[]",
    "empty": "",
    "of another version": json.dumps(asdict(replace(record(), version=0))),
    "without a field": json.dumps({k: v for k, v in asdict(record()).items() if k != "value"}),
    "without speeds": json.dumps(asdict(record(speed=[]))),
    "without the baseline's value": json.dumps(asdict(record(chance=None))),
    "with a text for a number": json.dumps(asdict(record(value="high"))),
    "no UTF-8": b"\xff\xfe",
}


@pytest.mark.parametrize("case", BROKEN, ids=lambda case: case.replace(" ", "_"))
def test_a_record_that_cannot_be_read_is_left_out_and_named(case, tmp_path):
    save(tmp_path / "good", record())
    (tmp_path / "bad").mkdir()
    content = BROKEN[case]
    (tmp_path / "bad" / "record.json").write_bytes(content if isinstance(content, bytes) else content.encode())
    records, problems = write_tables(tmp_path)
    assert [path.as_posix() for path in records] == ["good"]
    (problem,) = problems
    assert problem.startswith(f"{tmp_path / 'bad' / 'record.json'} is left out of the table: ")


def test_a_field_that_this_version_does_not_know_is_ignored(tmp_path):
    save(tmp_path / "run", record())
    file = tmp_path / "run" / "record.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"carbon": 3}))
    assert Record.read(file) == record()


def test_a_record_survives_its_file(tmp_path):
    one = record(warnings=["slow"])
    save(tmp_path / "run", one)
    assert Record.read(tmp_path / "run" / "record.json") == one


def test_records_are_read_from_any_depth(tmp_path):
    save(tmp_path / "a" / "b" / "c", record())
    save(tmp_path / "d", record())
    assert len(read_records(tmp_path)[0]) == 2


def test_difference_and_speedup():
    assert record().difference == pytest.approx(-0.0188)
    assert record().speedup == 1.756


def test_results_drop_times_and_what_depends_on_them_only():
    measured = {"speed", "generation", "seconds", "peak_memory_bytes", "environment", "warnings"}
    assert set(asdict(record())) - set(results_of(record())) == measured
    assert results_of(record(seconds={"dense": 9.0})) == results_of(record())
    assert results_of(record(value=0.1)) != results_of(record())
