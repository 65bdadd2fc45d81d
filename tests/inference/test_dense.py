"""The dense model in another format: exported once, kept beside it, and made anew where it would be another."""

import json
from dataclasses import replace

import pytest
import torch

from prune.errors import UserError
from prune.inference.formats import FORMATS
from prune.inference.needs import NEEDS
from prune.pipeline import exported_dense, exporting
from prune.results.layout import RunFolder, StageFolder
from prune.results.record import Record
from prune.runtime.screen import Screen

FORM = "onnx"


@pytest.fixture
def run(finished_runs, tmp_path):
    return RunFolder(finished_runs.copy("struct", tmp_path))


def save(_exported, folder):
    folder.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(b"weights")


@pytest.fixture
def converted(run, monkeypatch):
    """Which models were converted, to a stand-in for a format that takes long."""
    models, of_dense = [], Record.read(run.record).dense_params

    def convert(model, *_):
        models.append("dense" if model.num_parameters() == of_dense else "own")
        return model

    quick = replace(FORMATS["plain"], convert=convert, save=save, opened=lambda *_: lambda **_batch: None)
    monkeypatch.setitem(FORMATS, FORM, quick)
    return models


def export(run, **options):
    return exporting.export(run, FORM, Screen(), evaluate=False, **options)


def kept(run):
    (folder,) = (run.outputs / "dense").glob("*/exported/*/")
    return StageFolder(folder)


def test_a_second_export_takes_the_dense_model_from_where_the_first_left_it(run, converted):
    export(run)
    assert converted == ["own", "dense"]
    assert kept(run).read_report() is not None
    export(run)
    assert converted == ["own", "dense", "own"]


def test_it_is_not_made_where_nothing_is_measured(run, converted):
    assert export(run, measure=False) is None
    assert converted == ["own"]


@pytest.mark.parametrize("changed", ["versions", "inputs", "dense"])
def test_one_that_was_made_with_something_else_is_made_anew(changed, run, converted, monkeypatch):
    export(run)
    before, made_with = kept(run).report.stat().st_mtime_ns, exported_dense._made_with
    monkeypatch.setattr(exported_dense, "_made_with", lambda *given: made_with(*given) | {changed: "another"})
    export(run)
    assert converted == ["own", "dense"] * 2
    assert kept(run).report.stat().st_mtime_ns > before
    export(run)
    assert len(converted) == 5


@pytest.mark.parametrize("damage", ["model", "report", "no report"])
def test_a_damaged_one_is_made_anew(damage, run, converted, capsys):
    export(run)
    if damage == "model":
        (kept(run).model / "model.onnx").write_bytes(b"no weights")
    elif damage == "report":
        content = json.loads(kept(run).report.read_text())
        kept(run).report.write_text(json.dumps(content | {"made_with": {}}))
    else:
        kept(run).report.unlink()
    export(run)
    assert converted == ["own", "dense"] * 2
    assert ("the dense model is exported again" in capsys.readouterr().err) == (damage != "no report")
    assert kept(run).read_report() is not None


def test_what_it_was_made_with_are_versions_inputs_and_the_dense_model(run, converted):
    export(run)
    made_with = kept(run).read_report()["made_with"]
    assert set(made_with) == {"versions", "inputs", "dense"}
    assert set(made_with["versions"]) == {"prune", "torch", "transformers", *NEEDS[FORM].packages}
    assert made_with["versions"]["torch"] == torch.__version__


def test_a_dense_model_that_was_changed_is_told(run, converted):
    (model,) = (run.outputs / "dense").glob("*/model/model.safetensors")
    model.write_bytes(model.read_bytes() + b" ")
    with pytest.raises(UserError, match=r"model\.safetensors is not as it was left"):
        export(run)
