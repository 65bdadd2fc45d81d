"""A stage is believed only as it was left: its report, and every file of its model."""

import json

import pytest

from prune.files.checksums import Damaged, sealed, unsealed

REPORT = {"seconds": 1.5, "data": {"train": "abc"}, "scores": {"validation": {"f1": 0.1 + 0.2, "odd": float("inf")}}}


@pytest.fixture
def stage(tmp_path):
    """A report, and the folder of the model that it is of."""
    (tmp_path / "model" / "part").mkdir(parents=True)
    (tmp_path / "model" / "weights").write_bytes(bytes(range(256)))
    (tmp_path / "model" / "part" / "config.json").write_text("{}")
    (tmp_path / "stage.json").write_text(sealed(REPORT, tmp_path / "model"))
    return tmp_path / "stage.json", tmp_path / "model"


def test_what_is_whole_is_read_back(stage):
    assert unsealed(*stage) == REPORT


def test_a_stage_may_have_no_model(tmp_path):
    (tmp_path / "stage.json").write_text(sealed(REPORT, tmp_path / "model"))
    assert unsealed(tmp_path / "stage.json", tmp_path / "model") == REPORT


def test_a_stage_that_is_not_finished_has_no_report(tmp_path):
    assert unsealed(tmp_path / "stage.json", tmp_path) is None


def test_every_cut_of_the_report_is_noticed(stage):
    report, model = stage
    whole = report.read_bytes().rstrip()
    for length in range(len(whole)):
        report.write_bytes(whole[:length])
        with pytest.raises(Damaged, match="stage.json"):
            unsealed(report, model)


def test_every_changed_byte_of_the_report_is_noticed(stage):
    report, model = stage
    whole = report.read_bytes()
    for place in range(len(whole)):
        changed = bytearray(whole)
        changed[place] ^= 1
        report.write_bytes(changed)
        try:
            assert unsealed(report, model) == REPORT  # what JSON does not read is white space
        except Damaged:
            continue


@pytest.mark.parametrize("content", ["", "[]", "null", "3", "[" * 100_000, '{"data": 3}', "{}", '"stage"'])
def test_what_is_no_report_is_refused(stage, content):
    report, model = stage
    report.write_text(content)
    with pytest.raises(Damaged, match="stage.json"):
        unsealed(report, model)


@pytest.mark.parametrize("name", ["weights", "part/config.json"])
@pytest.mark.parametrize("damage", ["cut", "changed", "longer", "gone", "folder"])
def test_damage_of_the_model_is_noticed_and_named(stage, name, damage):
    report, model = stage
    file, whole = model / name, (model / name).read_bytes()
    contents = {"cut": whole[:-1], "changed": bytes([whole[0] ^ 1]) + whole[1:], "longer": whole + b"\0"}
    if damage in contents:
        file.write_bytes(contents[damage])
    else:
        file.unlink()
        if damage == "folder":
            file.mkdir()
    with pytest.raises(Damaged, match=name):
        unsealed(report, model)


def test_a_stage_of_an_older_version_is_believed(stage):
    report, model = stage
    report.write_text(json.dumps(REPORT))
    assert unsealed(report, model) == REPORT
