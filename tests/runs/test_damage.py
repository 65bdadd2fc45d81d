"""What lies in the outputs folder may be damaged: it is never believed, and the same command mends it."""

import json

import pytest

from prune.results.record import Record, results_of
from tests.runs.tiny import call, folders

METHOD = "hybrid_filled"


def cut(file):
    file.write_bytes(file.read_bytes()[:-7])


def change(file):
    content = bytearray(file.read_bytes())
    content[-5] ^= 64
    file.write_bytes(content)


DAMAGE = {
    "dense/*/model/model.safetensors": change,
    "pruned/*/stage.json": cut,
    "pruned/*/model/model.safetensors": cut,
    "*/*/*/*/seed_0/compacted/model/config.json": cut,
    "*/*/*/*/seed_0/filled/stage.json": lambda file: file.write_text('{"seconds": "much"}'),
    "*/*/*/*/seed_0/record.json": cut,
}


def results_in(folder):
    """What the record in a run's folder says, wherever the run was carried out."""
    results = results_of(Record.read(folder / "record.json"))
    results["config"].pop("outputs")
    return results


@pytest.fixture(scope="module")
def whole(finished_runs, tmp_path_factory):
    """The outputs of a finished run, and what it gave."""
    outputs = tmp_path_factory.mktemp("whole")
    return outputs, results_in(finished_runs.copy(METHOD, outputs))


def test_every_stage_that_is_damaged_is_carried_out_again(whole):
    outputs, results = whole
    for pattern, damage in DAMAGE.items():
        (file,) = outputs.glob(pattern)
        damage(file)
    code, _, err = call(f"outputs={outputs}", method=METHOD)
    assert code == 0, err
    assert results_in(folders(outputs)[METHOD]) == results
    for pattern in DAMAGE:
        (file,) = outputs.glob(pattern)
        if pattern != "pruned/*/model/model.safetensors":  # its report is damaged, too, and read first
            assert str(file) in err
    assert err.count("is carried out again") == 4
    assert err.count("the run is evaluated again") == 1


def test_a_damaged_record_is_made_again_without_any_training(whole):
    outputs, results = whole
    cut(folders(outputs)[METHOD] / "record.json")
    code, _, err = call(f"outputs={outputs}", method=METHOD)
    assert code == 0, err
    assert results_in(folders(outputs)[METHOD]) == results
    assert "step" not in err


def test_a_record_of_a_newer_program_is_not_overwritten(whole):
    outputs, _ = whole
    file = folders(outputs)[METHOD] / "record.json"
    before = file.read_text()
    file.write_text(newer := json.dumps(json.loads(before) | {"version": 99}))
    code, _, err = call(f"outputs={outputs}", method=METHOD)
    assert (code, file.read_text()) == (2, newer)
    assert "update prune" in err
    file.write_text(before)


def test_a_folder_in_the_place_of_a_stage_is_none(whole):
    outputs, results = whole
    (folder,) = outputs.glob("*/*/*/*/seed_0")
    (folder / "record.json").unlink()
    for name in ("compacted", "filled"):
        (folder / name).rename(folder / f"{name}_moved")
        (folder / name).write_text("a file")
    code, _, err = call(f"outputs={outputs}", method=METHOD)
    assert code == 0, err
    assert results_in(folder) == results
