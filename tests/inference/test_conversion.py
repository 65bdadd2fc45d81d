"""Exports: the same outputs at any size, a row of their own, files that say nothing of this machine."""

import copy
import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from prune.cli import main
from prune.cli.commands import export as verb
from prune.compaction.compact import largest_difference
from prune.compaction.first_token import first_token_suffices
from prune.compaction.structure import Structure
from prune.config.schema import Runtime
from prune.errors import UserError
from prune.inference import needs
from prune.inference.formats import FORMATS
from prune.inference.inputs import Inputs
from prune.models.architecture import sublayers_of
from prune.pipeline import exporting
from prune.results.files import write_tables
from prune.results.layout import RunFolder
from prune.results.record import Record
from prune.runtime.screen import Screen
from tests.architectures import ARCHITECTURES, VOCABULARY, inputs

pytest.importorskip("onnxruntime", reason="needs pip install -e '.[export]'")
FEW = [("bart", "torch")]
"""Pairs of an architecture and a form that are not slow; and (bert, onnx), in test_onnx.py."""
RUNTIMES = [name for name in FORMATS if name != "plain"]  # takes some shapes only: tests/shrink/test_plain.py
EXACT = [name for name in RUNTIMES if FORMATS[name].exact]


def pruned(architecture):
    """A model with half of its units, one sublayer of each site without any, and no token that nothing reads."""
    model = architecture.model()
    sublayers = sublayers_of(model)
    kept = {s.name: tuple(range(0, s.num_units, 2)) if number > 1 else () for number, s in enumerate(sublayers)}
    if architecture.family == "albert":  # ONNX Runtime cannot reshape what its attention without heads leaves
        kept[sublayers[0].name] = (1,)
    unread = first_token_suffices(architecture.auto_class, sublayers)
    Structure(model.config.model_type, kept, first_token_only=unread).apply(model.base_model, sublayers)
    return model


def random_batch(architecture, size, length):
    batch = {"input_ids": torch.randint(3, VOCABULARY, (size, length))}
    batch["attention_mask"] = torch.ones_like(batch["input_ids"])
    batch["attention_mask"][0, length // 2 + 1 :] = 0
    if architecture.reads_pairs:
        batch["decoder_input_ids"] = torch.randint(3, VOCABULARY, (size, length - 1))
    return batch


@pytest.mark.parametrize(
    ("name", "form"),
    [
        pytest.param(name, form, marks=() if (name, form) in FEW else pytest.mark.slow)
        for name in ARCHITECTURES
        for form in EXACT
    ],
)
def test_outputs_are_those_of_the_model_at_any_size(name, form):
    architecture = ARCHITECTURES[name]
    model = pruned(architecture)
    exported = FORMATS[form].export(model, Inputs(inputs(architecture)))
    if form == "onnx":
        assert set(axes_of(exported.program.graph.inputs)) == set(AXES[: 3 if architecture.reads_pairs else 2])
        assert set(axes_of(exported.program.graph.outputs)) <= set(AXES)
    for size, length in ((3, 7), (1, 12), (5, 4)):
        batch = random_batch(architecture, size, length)
        with torch.no_grad():
            assert largest_difference(model(**batch), exported(**batch), ("logits",)) <= 1e-5


AXES = ("batch", "sequence", "decoder_sequence")


def axes_of(values):
    """What the axes of inputs and outputs of a graph are called that are of no fixed size."""
    return [axis.value for value in values for axis in value.shape if not isinstance(axis, int)]


@pytest.fixture(scope="module")
def run(finished_runs, tmp_path_factory):
    return finished_runs.copy("struct", tmp_path_factory.mktemp("outputs"))


def export(run, form, *words):
    main.main(["export", f"run={run}", f"format={form}", *words])
    return RunFolder(run).exported(form)


@pytest.mark.parametrize(
    "form", [form if form == "torch" else pytest.param(form, marks=pytest.mark.slow) for form in RUNTIMES]
)
def test_a_run_is_exported_measured_and_entered(form, run, capsys):
    folder = export(run, form)
    written = {file.suffix for file in folder.iterdir()}
    assert (".pt2" if form == "torch" else ".onnx") in written
    own, found = Record.read(run / "record.json"), Record.read(folder / "record.json")
    assert found.setting == f"{own.setting}, {FORMATS[form].label}"
    if FORMATS[form].exact:
        assert found.scores == own.scores
    assert [one["batch_size"] for one in found.speed] == [1, 2]
    weights = [file for file in folder.iterdir() if file.suffix in (".onnx", ".data", ".pt2")]
    assert found.bytes == sum(file.stat().st_size for file in weights)
    assert len(json.loads((folder / "predictions/validation/predictions.json").read_text())) == 64
    assert FORMATS[form].label in capsys.readouterr().out
    records, _, problems = write_tables(run.parents[4])
    assert folder.relative_to(run.parents[4]) in records
    assert problems == []


def test_a_target_is_not_solved_again(finished_runs, tmp_path):
    """This one could not be reached: an export neither measures nor chooses anything."""
    copy = finished_runs.copy("uniform", tmp_path / "moved")
    record = json.loads((copy / "record.json").read_text())
    record["config"]["target"]["speedup"] = 1e6
    (copy / "record.json").write_text(json.dumps(record))
    assert (export(copy, "plain") / "record.json").exists()


@pytest.fixture
def stock(finished_runs, tmp_path, monkeypatch):
    """A run that can be exported at once; the report is only asked for, not drawn."""
    asked = []
    monkeypatch.setattr(verb, "publish", asked.append)
    folder = finished_runs.copy("uniform", tmp_path)
    return folder, asked


def rows(outputs):
    with (outputs / "results.csv").open() as file:
        return [row["setting"] for row in csv.DictReader(file)]


@pytest.mark.parametrize("report", [True, False])
def test_table_and_report_are_those_of_all_records_after_an_export(report, stock, tmp_path):
    folder, asked = stock
    record = json.loads((folder / "record.json").read_text())
    record["config"]["report"] = report
    (folder / "record.json").write_text(json.dumps(record))
    export(folder, "plain")
    assert rows(tmp_path) == [record["setting"], f"{record['setting']}, stock"]
    assert ", stock |" in (tmp_path / "results.md").read_text()
    assert asked == [tmp_path] * report


def test_what_is_not_evaluated_has_the_scores_of_the_original(stock, monkeypatch):
    monkeypatch.setattr(exporting, "_scores", None)
    folder, _ = stock
    exported = export(folder, "plain", "evaluate=false")
    found = Record.read(exported / "record.json")
    assert found.scores == Record.read(folder / "record.json").scores
    assert not (exported / "predictions").exists()
    assert [one["batch_size"] for one in found.speed] == [1, 2]


def test_what_is_not_measured_has_scores_and_no_row(stock, tmp_path, monkeypatch, capsys):
    folder, _ = stock
    export(folder, "plain")
    monkeypatch.setattr(exporting, "_speeds", None)
    exported = export(folder, "plain", "measure=false")
    assert (exported / "model.safetensors").exists()
    assert len(json.loads((exported / "predictions/validation/predictions.json").read_text())) == 64
    assert len(rows(tmp_path)) == 1
    said = capsys.readouterr().err
    assert "the original's" in said
    assert "no row for it" in said


def test_what_is_neither_is_written_and_compared(stock, monkeypatch):
    monkeypatch.setattr(exporting, "_scores", None)
    monkeypatch.setattr(exporting, "_speeds", None)
    exported = export(stock[0], "plain", "evaluate=false", "measure=false")
    assert (exported / "model.safetensors").exists()
    assert not (exported / "record.json").exists()


def test_a_row_without_scores_is_refused_before_anything_is_exported(stock, capsys):
    with pytest.raises(SystemExit):
        export(stock[0], "onnx_int8", "evaluate=false")
    assert "format=onnx_int8 evaluate=false: its scores are not those of the original" in capsys.readouterr().err
    assert not RunFolder(stock[0]).exported("onnx_int8").exists()


@pytest.mark.slow
def test_an_onnx_file_does_not_tell_where_it_was_made(run):
    folder = export(run, "onnx")
    content = b"".join(file.read_bytes() for file in folder.glob("model.onnx*"))
    assert str(Path(exporting.__file__).parents[1]).encode() not in content
    assert b"site-packages" not in content


def convert_wrongly(model, *_):
    wrong = copy.deepcopy(model)
    wrong.classifier.bias.data += 0.01
    return wrong


def test_a_model_that_came_out_wrong_is_not_written(run, monkeypatch):
    folder = RunFolder(run).exported("onnx")
    shutil.rmtree(folder, ignore_errors=True)
    monkeypatch.setitem(FORMATS, "onnx", replace(FORMATS["onnx"], convert=convert_wrongly))
    with pytest.raises(UserError, match=r"outputs differ by 0\.\d+ of their size"):
        exporting.export(RunFolder(run), "onnx", Screen())
    assert not folder.exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            (),
            "say run=<folder of a finished run> format=<onnx or onnx_int8 or openvino or",
        ),
        (("format=onnx",), "say run="),
        (("run=", "format=onnx"), "say run="),
        (
            ("run=here", "format=onnx", "more"),
            "'more' is not known. Allowed: run=, format=, evaluate=, measure=, max_loss=",
        ),
        (("run=here", "format=onnx", "model.path=x"), "'model.path=x' is not known. Allowed: run=, format="),
        (("run=here", "fromat=onnx"), "'fromat=onnx' is not known (did you mean 'format'?)"),
        (("run=here", "format=onnx", "run=there"), "run is given twice"),
        (("run=here", "format=onnx", "measure=no"), "prune export: measure=no: not known. Allowed: true, false"),
        (("run=here", "format=onnx", "max_loss=2"), "max_loss=2: must be a fraction from 0 to 1"),
        (("run=here", "format=onnx", "max_loss=much"), "max_loss=much: must be a fraction from 0 to 1"),
        (
            ("run=here", "format=onxx"),
            "format=onxx: not known (did you mean 'onnx'?). Allowed: onnx, onnx_int8, openvino",
        ),
        (("run=here", "format=onnx"), "here is not the folder of a finished run"),
    ],
)
def test_a_mistake_is_told(words, said, capsys):
    with pytest.raises(SystemExit) as end:
        main.main(["export", *words])
    assert end.value.code == 2
    assert said in " ".join(capsys.readouterr().err.split())


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setattr(needs, "find_spec", lambda name: None if name == "onnxscript" else object())
    with pytest.raises(UserError, match=r"format=onnx needs onnxscript: pip install -e '.\[export\]'"):
        needs.check_packages("onnx")


def test_what_all_formats_need_is_known():
    assert list(FORMATS) == list(needs.NEEDS)
    assert {one.value for one in Runtime} - set(needs.NEEDS) == {"torch_compile"}


def test_a_format_that_loses_too_much_is_not_written(stock, monkeypatch, capsys):
    folder, _ = stock
    before = export(folder, "plain", "measure=false")
    kept = {file: file.read_bytes() for file in before.rglob("*") if file.is_file()}
    value = Record.read(folder / "record.json").value
    monkeypatch.setattr(exporting, "_scores", lambda *_: {"validation": {"accuracy": value - 0.02}})
    with pytest.raises(SystemExit):
        export(folder, "plain", "max_loss=0.01")
    assert "max_loss=0.01: accuracy" in capsys.readouterr().err
    assert {file: file.read_bytes() for file in before.parent.rglob("*") if file.is_file()} == kept
    export(folder, "plain", "max_loss=0.03", "measure=false")
