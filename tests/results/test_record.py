"""Records: their file, its versions, and what is wrong with one that cannot be read."""

import json
import math
import shutil
from dataclasses import asdict, fields, replace
from pathlib import Path

import pytest

from prune.config.identity import dense_identity, digest
from prune.errors import UserError
from prune.pipeline.shared_stages import DENSE
from prune.recipes.reproduction import config_of
from prune.results import migrations
from prune.results.files import write_tables
from prune.results.layout import run_folder
from prune.results.migrations import MIGRATIONS, VERSION, upgraded
from prune.results.reading import UnreadableRecord
from prune.results.record import Record, results_of
from tests.report.records import record, save, speed

KEPT = sorted(Path(__file__).parent.glob("version_*.json"))
"""A record of each version, as a run of that version wrote it."""


def stored(**values):
    """What the file of a record holds; `values` instead of its own."""
    return asdict(record()) | values


def test_a_record_survives_its_file(tmp_path):
    one = record(warnings=["slow"])
    save(tmp_path / "run", one)
    assert Record.read(tmp_path / "run" / "record.json") == one


def test_difference_and_speedup():
    assert record().difference == pytest.approx(-0.0188)
    assert record().speedup == 1.756


@pytest.mark.parametrize(
    ("higher_is_better", "value", "is_chance"),
    [(True, 0.515, True), (True, 0.525, False), (False, 0.505, True), (False, 0.495, False)],
)
def test_chance_is_a_point_around_the_baseline_on_the_worse_side(higher_is_better, value, is_chance):
    assert record(higher_is_better=higher_is_better).is_chance(value) is is_chance


def test_results_drop_times_and_what_depends_on_them_only():
    measured = {"speed", "generation", "seconds", "peak_memory_bytes", "environment", "measured_on", "warnings"}
    assert set(asdict(record())) - set(results_of(record())) == measured
    assert results_of(record(seconds={"dense": 9.0})) == results_of(record())
    assert results_of(record(value=0.1)) != results_of(record())


def test_the_seed_is_no_part_of_a_configuration():
    names = {
        record(config={"seed": seed, "outputs": str(seed), "method": {"penalty": 7.0}}).configuration for seed in "ab"
    }
    assert len(names) == 1
    assert record(config={"method": {"penalty": 8.0}}).configuration not in names


@pytest.mark.parametrize("file", KEPT, ids=lambda file: file.stem)
def test_a_record_is_of_the_configuration_and_fine_tuning_that_name_its_folders(file):
    found = Record.read(file)
    config = config_of(found)
    assert run_folder(config).path.parent.name == found.configuration
    inputs = dense_identity(found.non_default_settings) | {"seed": found.seed}
    assert DENSE.folder(config).path.name == f"{found.task}-{found.model}-{digest(inputs)}"


# Versions


def test_each_older_version_has_a_migration_and_every_version_a_kept_record():
    assert set(MIGRATIONS) == set(range(1, VERSION))
    assert [file.name for file in KEPT] == [f"version_{version}.json" for version in range(1, VERSION + 1)]


def test_the_newest_kept_record_is_read_field_by_field():
    stored = json.loads(KEPT[-1].read_text())
    assert asdict(Record.read(KEPT[-1])) == asdict(Record.read(KEPT[-1])) | stored


def test_the_tables_over_the_newest_kept_record_stay_as_its_run_wrote_them(tmp_path):
    """The name of its folder, which its configuration gives, its rows, and every figure of results.csv."""
    found = Record.read(KEPT[-1])
    folder = tmp_path / found.task / found.model / found.method / found.configuration / f"seed_{found.seed}"
    folder.mkdir(parents=True)
    shutil.copyfile(KEPT[-1], folder / "record.json")
    assert write_tables(tmp_path).problems == []
    for name in ("results.csv", "results.md"):
        assert (tmp_path / name).read_text() == KEPT[-1].with_name(f"version_{VERSION}_{name}").read_text()


def test_a_kept_record_of_version_1_is_read():
    found = Record.read(KEPT[0])
    assert found.version == VERSION
    assert (found.task, found.model, found.method, found.setting) == ("sst2", "minilm", "one_shot", "speed-up 5")
    assert f"{100 * found.difference:.2f} {found.speedup:.2f}" == "-2.87 5.37"
    assert found.measured_on == "AMD EPYC, 2 threads, float32"


@pytest.mark.parametrize(
    ("setting", "device", "gpu", "measured_on"),
    [
        ("penalty 5", "auto", "H200", "H200, bfloat16"),
        ("penalty 5", "cpu", "H200", "EPYC, 2 threads, bfloat16"),
        ("penalty 5", "auto", None, "EPYC, 2 threads, bfloat16"),
        ("penalty 5, ONNX", "auto", "H200", "EPYC, 2 threads, float32, ONNX"),
        ("penalty 5, ONNX int8", "auto", "H200", "EPYC, 2 threads, float32, ONNX"),
        ("penalty 5, stock", "auto", None, "EPYC, 2 threads, float32, stock"),
    ],
)
def test_version_1_is_told_what_it_was_measured_on(setting, device, gpu, measured_on):
    content = {
        "version": 1,
        "setting": setting,
        "config": {"evaluate": {"speed": {"device": device, "dtype": "bfloat16"}}},
        "environment": {"processor": "EPYC", "threads": 2, "gpu": gpu},
    }
    assert upgraded(content) == content | {"version": 2, "measured_on": measured_on}


def test_migrations_follow_one_another(monkeypatch):
    monkeypatch.setattr(migrations, "VERSION", 4)
    monkeypatch.setattr(migrations, "MIGRATIONS", {n: lambda c, n=n: {"path": [*c["path"], n]} for n in (1, 2, 3)})
    assert upgraded({"version": 2, "path": []}) == {"version": 4, "path": [2, 3]}


def test_a_record_of_a_newer_version_says_so_and_what_to_do(tmp_path):
    save(tmp_path / "run", record(version=VERSION + 1))
    with pytest.raises(
        UnreadableRecord, match=f"is of version {VERSION + 1}, .* up to version {VERSION}: update prune"
    ):
        Record.read(tmp_path / "run" / "record.json")


def test_what_cannot_be_read_is_a_users_error():
    assert issubclass(UnreadableRecord, UserError)


def test_a_field_that_this_version_does_not_know_is_ignored(tmp_path):
    save(tmp_path / "run", record())
    file = tmp_path / "run" / "record.json"
    file.write_text(json.dumps(stored(carbon=3)))
    assert Record.read(file) == record()


OPTIONAL = {
    "warnings", "generation", "units_spared", "shapes", "baseline", "measured_on", "scores_before_training", "training",
    "probes", "dense_probes",
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(OPTIONAL))
def test_a_field_that_came_later_has_its_default(name, tmp_path):
    file = tmp_path / "record.json"
    file.write_text(json.dumps({key: value for key, value in stored().items() if key != name}))
    assert getattr(Record.read(file), name) == getattr(replace(record(), measured_on=""), name)


def test_the_compute_of_all_stages_is_that_of_the_model():
    stages = {"pretraining": {"flops": 1e9}, "dense": {"flops": 2e9, "steps": 8}, "teacher": {"flops": 3e8}}
    one = record(training=stages | {"prune": {"flops": 4e9}})
    assert (one.training_flops, one.dense_training_flops) == (7.3e9, 3e9)
    assert (record().training_flops, record().dense_training_flops) == (None, None)
    assert record(training={"dense": {"flops": math.inf}}).training_flops is None


# Damage

NEEDED = [one.name for one in fields(Record) if one.name not in OPTIONAL]
WRONG = {"str": 3, "bool": 1, "int": 1.5, "float": True}
BROKEN = {
    "truncated": json.dumps(stored())[:300],
    "a list": "[]",
    "empty": "",
    "deep": "[" * 100_000,
    "no UTF-8": b"\xff\xfe\xfd",
    "of version 0": json.dumps(stored(version=0)),
    "of version one": json.dumps(stored(version="one")),
    "version 1 without an environment": json.dumps(stored(version=1, environment=3)),
    "without speeds": json.dumps(stored(speed=[])),
    "with a speed that is none": json.dumps(stored(speed=[speed(1, 1.2) | {"speedup": "fast"}])),
    "with a speed of nothing": json.dumps(stored(speed=[speed(1, 1.2) | {"speedup": 0}])),
    "with a dense time of nothing": json.dumps(stored(speed=[speed(1, 1.2, dense_ms=0.0)])),
    "NaN": json.dumps(stored(value=float("nan"))),
    "infinite": json.dumps(stored(value=float("inf"))),
    "too large": json.dumps(stored(params=10**400)),
    "NaN among the scores": json.dumps(stored(scores={"validation": {"f1": float("nan")}})),
    "a text among the scores": json.dumps(stored(scores={"validation": {"f1": "high"}})),
    "of an empty dense model": json.dumps(stored(dense_linear_params=0)),
    "half a character": json.dumps(stored(model="\ud800")),
    "a config of other things": json.dumps(stored(config={"method": 3})),
    "a config of other types": json.dumps(stored(config={"method": {"attention": {"block": "32"}}})),
    "a config without end": json.dumps(stored(config={"note": json.loads("[" * 100 + "]" * 100)})),
    "an environment of other types": json.dumps(stored(environment={"packages": ["torch"]})),
    "infinite seconds": json.dumps(stored(seconds={"dense": float("inf")})),
    "an infinite time": json.dumps(stored(speed=[speed(1, 1.2) | {"model_ms": float("inf")}])),
    "a time without the dense one": json.dumps(
        stored(speed=[{k: v for k, v in speed(1, 1).items() if k != "dense_ms"}])
    ),
    "a batch of half an example": json.dumps(stored(speed=[speed(0.5, 1.2)])),
    "a speed without a length": json.dumps(stored(speed=[speed(1, 1.2, length=None)])),
    "quartiles of text": json.dumps(stored(speed=[speed(1, 1.2) | {"speedup_quartiles": "ab"}])),
    "a dense model of no bytes": json.dumps(stored(dense_bytes=0)),
    "a dense model of no parameters": json.dumps(stored(dense_params=0)),
    "too many layers": json.dumps(stored(heads_kept=[1] * 1001)),
    "too large a layer": json.dumps(stored(heads_kept=[10**400])),
    "a version that is true": json.dumps(stored(version=True)),
    **{
        f"a name with {name}": json.dumps(stored(task=f"a{name}b"))
        for name in ("\0", "\x1b", "\n", "\u2028", "\uffff", "x" * 300)
    },
    "a split with a control character": json.dumps(stored(scores={"\x01": {"f1": 0.5}})),
    "a metric with a control character": json.dumps(stored(scores={"validation": {"\x01": 0.5}})),
    "NaN in a measurement": json.dumps(stored(generation=[{"speedup": [float("nan")]}])),
    **{f"without {name}": json.dumps({k: v for k, v in stored().items() if k != name}) for name in NEEDED},
    **{f"wrong {one.name}": json.dumps(stored(**{one.name: WRONG.get(str(one.type), "x")})) for one in fields(Record)},
}


@pytest.mark.parametrize("case", BROKEN, ids=ascii)
def test_a_record_that_cannot_be_read_is_left_out_and_named(case, tmp_path):
    save(tmp_path / "good", record())
    (tmp_path / "bad").mkdir()
    content = BROKEN[case]
    (tmp_path / "bad" / "record.json").write_bytes(content if isinstance(content, bytes) else content.encode())
    records, _, problems = write_tables(tmp_path)
    assert [path.as_posix() for path in records] == ["good"]
    (problem,) = problems
    assert problem.startswith(f"left out of the table: {tmp_path / 'bad' / 'record.json'}: ")


def test_a_folder_of_that_name_is_left_out_and_named(tmp_path):
    save(tmp_path / "good", record())
    (tmp_path / "bad" / "record.json").mkdir(parents=True)
    records, _, (problem,) = write_tables(tmp_path)
    assert len(records) == 1
    assert problem.endswith("bad/record.json: it cannot be read: Is a directory")


def test_an_unreadable_file_is_left_out_and_named(tmp_path, monkeypatch):
    save(tmp_path / "bad", record())

    def refused(file, mode):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refused)
    records, _, (problem,) = write_tables(tmp_path)
    assert records == {}
    assert problem.endswith("bad/record.json: it cannot be read: Permission denied")


def test_a_table_is_made_of_a_folder_that_nobody_may_write_in(tmp_path, monkeypatch):
    save(tmp_path / "run", record())

    def refused(**_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.mkstemp", refused)
    records, rows, (problem,) = write_tables(tmp_path)
    assert (len(records), len(rows)) == (1, 2)  # the dense model has a row, too
    assert problem == f"results.csv and results.md are not written: {tmp_path}: Permission denied"
    assert not (tmp_path / "results.csv").exists()


def test_a_threshold_may_be_infinite(tmp_path):
    one = record(scores={"validation": {"accuracy": 0.9, "best_f1_thresh": float("inf")}})
    save(tmp_path / "run", one)
    assert Record.read(tmp_path / "run" / "record.json") == one


@pytest.mark.parametrize("name", ["模型", "a b", "e\u0301", "👩\u200d💻", "a\u00a0b", "=a", "../a", "[red]"])
def test_a_name_may_be_in_any_script(name, tmp_path):
    one = record(task=name, setting=name, scores={name: {name: 0.5}}, warnings=["one\ntwo\tthree"])
    save(tmp_path / "run", one)
    assert Record.read(tmp_path / "run" / "record.json") == one
