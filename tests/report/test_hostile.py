"""Folders from strangers: what they say is data. It names no file, runs no code, and takes no report down."""

import csv
import io
import json
import os
import shutil
from pathlib import Path

import pytest
from rich.console import Console

from prune.cli.main import main
from prune.recipes.reproduction import config_of
from prune.report.cards.write import CARD, write_card, write_missing_cards
from prune.report.detail.run import Detail, detail_of
from prune.report.figures.files import save as save_figure
from prune.report.figures.run import figures_of, kinds
from prune.report.figures.theme import LIGHT
from prune.report.page.write import write_report
from prune.report.summary import repeat_command
from prune.report.terminal.run import draw_run
from prune.results.files import records_as_csv
from prune.results.formats import as_text
from prune.results.record import Record
from prune.results.table import table_rows
from tests.report.folders import configured, measured, save, with_model
from tests.report.records import record

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
DRAWN = ["\x01", "\x1b[2J", "\x00", "a\nb", "\u2028", "\ufffe", "\uffff", "\ud800", "\\x", "\\", "\"' + data('x') + '"]
"""What ends the process that draws a figure, or is read as a part of its description."""
ESCAPES = "\x1b]0;title\x07\x1b[2J"


def run(outputs, **values):
    """A run's folder with a record and a model."""
    one = measured(2, **{"config": configured(20)} | values)
    folder = outputs / "sst2" / "small" / "hybrid" / "bad" / f"seed_{one.seed}"
    folder.mkdir(parents=True)
    (folder / "record.json").write_text(json.dumps(vars(one)))
    return with_model(folder, heads=[0, 3], dimensions=[1, 2, 5])


def told(folder):
    """All that is told of a run: its figures, and what a terminal gets."""
    one = Record.read(folder / "record.json")
    detail = detail_of(folder, one)
    json.dumps([vars(figure) for figure in figures_of(one, detail)], allow_nan=False)
    console = Console(file=io.StringIO(), width=140)
    console.print(draw_run(folder, one, detail))
    return detail


def files_under(folder):
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


# Names


@pytest.mark.parametrize("name", PATHS)
def test_a_figure_lies_among_the_figures_whatever_it_is_named(name, tmp_path):
    files = save_figure(kinds(LIGHT)["latency"], {"latency": []}, tmp_path / "run", name)
    assert {file.parent for file in files} == {tmp_path / "run" / "figures"}
    assert sorted(files_under(tmp_path)) == sorted(file.relative_to(tmp_path).as_posix() for file in files)


@pytest.mark.parametrize("text", DRAWN)
def test_a_figure_is_drawn_whatever_its_texts_hold(text, tmp_path):
    rows = [{"shape": text, "model": text, "ms": 1.0, "text": text}]
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
    assert told(folder).sublayers
    assert "base_model" not in write_card(folder).read_text()


def test_a_config_is_no_interpolation(monkeypatch):
    monkeypatch.setenv("PRUNE_SECRET", "secret")
    config = configured(20)
    config["task"] |= {"name": "${oc.env:PRUNE_SECRET}", "path": "\\${task.name}"}
    found = config_of(record(config={key: config[key] for key in ("model", "task")}))
    assert (found.task.name, found.task.path) == ("${oc.env:PRUNE_SECRET}", "\\${task.name}")


# Links


@pytest.fixture
def victim(tmp_path):
    """A folder of somebody else's."""
    folder = tmp_path / "victim"
    folder.mkdir()
    for name in ("README.md", "heads.svg", "heads.png", "secret.yaml"):
        (folder / name).write_text("token: secret42\n")
    return folder


def test_links_lead_no_write_and_no_read_out_of_a_run(victim, tmp_path):
    folder = run(tmp_path / "outputs")
    before = files_under(victim)
    (folder / "recipe.yaml").unlink()
    (folder / "recipe.yaml").symlink_to(victim / "secret.yaml")
    (folder / "figures").mkdir()
    for name in ("heads.svg", "heads.png"):
        (folder / "figures" / name).symlink_to(victim / name)
    (folder / "model" / CARD).symlink_to(victim / "README.md")
    os.utime(victim / "README.md", (1, 1))
    (folder / "report.json").symlink_to(victim / "README.md")
    assert write_missing_cards(tmp_path / "outputs") == []
    page = write_report(tmp_path / "outputs")
    assert files_under(victim) == before
    for file in (page, folder / "model" / CARD, folder / "report.json"):
        assert "secret42" not in file.read_text()


@pytest.mark.parametrize("name", ["figures", "model"])
def test_a_linked_folder_of_a_run_gets_no_card(name, victim, tmp_path):
    folder = run(tmp_path / "outputs")
    shutil.rmtree(folder / name, ignore_errors=True)
    (folder / name).symlink_to(victim)
    os.utime(victim / "README.md", (1, 1))
    before = files_under(victim)
    (problem,) = write_missing_cards(tmp_path / "outputs")
    assert "leads out of" in problem
    assert files_under(victim) == before


# What is kept beside a record

CHANGES = {
    "stages of no list": lambda kept: kept.update(stages=3),
    "a stage that is none": lambda kept: kept["stages"].append(3),
    "a stage of another name": lambda kept: kept["stages"][-1].update(name="\x01"),
    "a time in words": lambda kept: kept["stages"][-1].update(seconds="long"),
    "an endless time": lambda kept: kept["stages"][-1].update(seconds=float("inf")),
    "a curve of unequal length": lambda kept: kept["stages"][-1]["curves"][0].update(values=[1.0]),
    "a curve without a step": lambda kept: kept["stages"][-1]["curves"][0].update(values=[], steps=[]),
    "a curve of NaN": lambda kept: kept["stages"][-1]["curves"][0].update(values=[float("nan")] * 5),
    "a curve of no panel": lambda kept: kept["stages"][-1]["curves"][0].update(panel="../../x"),
    "a curve with a control character": lambda kept: kept["stages"][-1]["curves"][0].update(series="\x01"),
    "no base64": lambda kept: kept["sublayers"][0].update(kept="!!"),
    "fewer bits than units": lambda kept: kept["sublayers"][0].update(num_units=9),
    "a billion units": lambda kept: kept["sublayers"][0].update(num_units=10**9),
    "another number of units kept": lambda kept: kept["sublayers"][0].update(num_kept=4),
    "another site": lambda kept: kept["sublayers"][0].update(site="../x"),
    "a name with a control character": lambda kept: kept["sublayers"][0].update(name="\x01"),
    "no matrices": lambda kept: kept["sublayers"][0].update(matrices=None),
    "a picture that is elsewhere": lambda kept: _picture(kept, "compact", "file:///etc/passwd"),
    "a picture on the net": lambda kept: _picture(kept, "compact", "https://example.com/a.png"),
    "a picture of another kind": lambda kept: _picture(kept, "compact", "data:image/svg+xml;base64,PHN2Zy8+"),
    "a picture of a stage that leads out": lambda kept: _picture(kept, "../../../x", _address(kept)),
    "a density of another stage": lambda kept: kept["sublayers"][0]["matrices"][0].update(density={"fill": 1.0}),
    "an unknown field": lambda kept: kept.update(more=1),
    "a missing field": lambda kept: kept["sublayers"][0].pop("site"),
    "a recipe of a number": lambda kept: kept.update(recipe=3),
    "no files": lambda kept: kept.update(files=None),
    "too many layers": lambda kept: kept.update(sublayers=kept["sublayers"] * 1000),
}  # fmt: skip


def _address(kept):
    return kept["sublayers"][0]["matrices"][0]["pictures"]["compact"]


def _picture(kept, stage, address):
    kept["sublayers"][0]["matrices"][0].update(pictures={stage: address}, density={stage: 1.0})


@pytest.mark.parametrize("change", CHANGES)
def test_what_was_kept_of_a_run_is_not_believed_if_it_cannot_be_drawn(change, tmp_path):
    folder = run(tmp_path)
    true = told(folder)
    file = folder / "report.json"
    kept = json.loads(file.read_text())
    CHANGES[change](kept)
    file.write_text(json.dumps(kept))
    assert told(folder) == true
    assert json.loads(file.read_text()) != kept


@pytest.mark.parametrize("content", [b"[" * 100_000, b"\xff", b"{}", b"3", b'{"version": true}'])
def test_a_damaged_file_of_what_was_kept_is_none(content, tmp_path):
    folder = run(tmp_path)
    true = told(folder)
    (folder / "report.json").write_bytes(content)
    assert told(folder) == true


HISTORY = (
    '[1, {"loss": NaN, "step": "x"}, {"loss": 1, "step": 2, "density_\\u0001": 1, "density_[/x]": 1, "a_loss": "b"}]'
)
KEPT = {"encoder.layer.0.attention": [0], "encoder.layer.0.feed_forward": [0]}


def _structure(**values):
    return json.dumps({"version": 1, "model_type": "bert", "kept": KEPT} | values)


MODELS = {
    "no structure": ("model/structure.json", "3"),
    "a deep structure": ("model/structure.json", "[" * 100_000),
    "a module of Python": ("model/structure.json", _structure(model_type="os")),
    "no text as a type": ("model/structure.json", _structure(model_type=["bert"])),
    "units below 0": ("model/structure.json", _structure(kept=KEPT | {"encoder.layer.0.attention": [-1]})),
    "units without end": ("model/structure.json", _structure(kept=KEPT | {"encoder.layer.0.attention": [10**12]})),
    "units of text": ("model/structure.json", _structure(kept=KEPT | {"encoder.layer.0.attention": ["a"]})),
    "layers of no list": ("model/structure.json", _structure(layers=3)),
    "heads without end": ("model/config.json", json.dumps({"num_attention_heads": 10**12})),
    "shapes of another kind": ("model/config.json", json.dumps({"num_attention_heads": 4, "pruned_shape": 3})),
    "no weights": ("model/model.safetensors", "no weights"),
    "a history of other things": ("filled/history.json", HISTORY),
    "a deep history": ("filled/history.json", "[" * 100_000),
    "a report of other things": ("filled/stage.json", '{"seconds": "long", "peak_memory_bytes": [1]}'),
}


@pytest.mark.parametrize("case", MODELS)
def test_a_run_is_told_whatever_its_models_files_hold(case, tmp_path):
    folder = run(tmp_path, seconds={}, peak_memory_bytes={})
    name, content = MODELS[case]
    (folder / name).write_text(content)
    told(folder)
    (folder / "record.json").unlink()
    assert isinstance(detail_of(folder, None), Detail)


@pytest.mark.parametrize("name", ["recipe.yaml", "report.json", "model/structure.json", "model/model.safetensors"])
@pytest.mark.parametrize("kind", ["pipe", "folder", "no text"])
def test_a_run_is_told_where_a_file_is_none(name, kind, tmp_path):
    file = run(tmp_path) / name
    file.unlink(missing_ok=True)
    if kind == "pipe":
        os.mkfifo(file)
    elif kind == "folder":
        file.mkdir()
    else:
        file.write_bytes(b"\xff\xfe\0")
    detail = told(file.parents[name.count("/")])
    assert (detail.recipe == "") == (name == "recipe.yaml")
    assert (detail.sublayers == []) == name.startswith("model/")


# Code


def test_no_code_of_a_folder_is_run(tmp_path, capsys):
    folder = run(tmp_path / "outputs")
    ran = tmp_path / "ran"
    (folder / "model" / "modeling_pruned.py").write_text(f"open({str(ran)!r}, 'w')")
    pickled = f"cos\nsystem\n(S'touch {ran}'\ntR.".encode()
    for name in ("pytorch_model.bin", "optimizer.pt", "training_args.bin", "model.pkl"):
        (folder / "model" / name).write_bytes(pickled)
    for words in (["report", tmp_path / "outputs"], ["table", tmp_path / "outputs"], ["show", folder]):
        main(list(map(str, words)))
    assert (folder / "model" / CARD).is_file()
    assert not ran.exists()


def card(folder, **config):
    """The card of a run whose model's config says this."""
    file = folder / "model" / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | config))
    return write_card(folder).read_text()


@pytest.mark.parametrize(
    "auto_map",
    [
        {"X, system; system('id') #": "modeling_pruned.PrunedBert"},
        {"AutoModel\nimport os": "modeling_pruned.PrunedBert"},
        {"AutoModelForCausalLM": "someone/else--modeling_pruned.PrunedBert"},
        {"AutoModel": "evil.PrunedBert"},
        {"AutoModel": 3},
        ["AutoModel"],
        "AutoModel",
    ],
)
def test_a_card_loads_a_model_by_known_classes_and_its_own_code_only(auto_map, tmp_path):
    text = card(run(tmp_path), auto_map=auto_map)
    assert "from transformers import AutoModelForSequenceClassification, AutoTokenizer\n" in text
    assert "trust_remote_code" not in text


@pytest.mark.parametrize("shape", [[{"first_token": "`a` [b](c)"}], [{"first_token": 3}], [3], 3, {"a": 1}])
def test_a_card_names_modules_only(shape, tmp_path):
    assert "- tokens:" not in card(run(tmp_path), pruned_shape=shape)


@pytest.mark.parametrize("length", [3, 4, 9])
def test_a_recipe_stays_in_its_block(length, tmp_path):
    folder = run(tmp_path)
    ticks = "`" * length
    (folder / "recipe.yaml").write_text(f"a: 1\n{ticks}\n# out\n{ticks}python\n{ESCAPES}")
    text = card(folder)
    fence = next(line for line in text.splitlines() if line.endswith("`yaml")).removesuffix("yaml")
    assert len(fence) > length
    assert "# out" in text.split(f"{fence}yaml")[1].split(f"\n{fence}\n")[0]
    assert "\x1b" not in text


MARKUP = "[a](javascript:alert) ![b](http://c/d.png) <script> `e` | www.f.g --- # *h*"


def test_names_are_no_markup_in_a_card_and_its_front_matter_is_valid(tmp_path):
    from huggingface_hub import ModelCard

    config = configured(20)
    config["task"] |= {"subset": "a\n---\nb: c", "metrics": ["a\n---\n", "accuracy"], "kind": "\n---\n"}
    config["model"] |= {"path": MARKUP, "name": MARKUP}
    names = dict.fromkeys(("task", "model", "method", "setting", "measured_on"), MARKUP)
    folder = run(tmp_path, config=config, scores={MARKUP: {"accuracy": 0.5}}, **names)
    found = ModelCard.load(write_card(folder))
    assert found.data.eval_results[0].dataset_name == MARKUP
    assert found.data.metrics[1] == "accuracy"
    bare = found.text.replace("\\[", "").replace("\\<", "").replace("![Where each matrix", "")
    assert "[a]" not in bare
    assert "![" not in bare
    assert "<script" not in bare
    assert "http://c" not in bare


@pytest.mark.parametrize(
    ("head", "asked"),
    [
        ("# prune recipe=<path of this file> model.path=<folder>", " model.path=<folder>"),
        ("# prune recipe=<path of this file>" + " teacher=<folder>" * 2, " teacher=<folder>" * 2),
        ("# prune recipe=<path of this file>", ""),
        ("# prune recipe=<path of this file>; touch ran", ""),
        ("# prune recipe=<path of this file> model.path=$(touch ran)", ""),
        ("# prune recipe=<path of this file> outputs=<folder>", ""),
        ("# prune recipe=<path of this file> task.path=<folder> && touch ran", ""),
    ],
)  # fmt: skip
def test_the_command_that_repeats_a_run_is_no_command_of_its_recipe(head, asked, tmp_path):
    assert (
        repeat_command(f"# @package _global_\n{head}\n", tmp_path) == f"prune recipe={tmp_path / 'recipe.yaml'}{asked}"
    )


# Outputs


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1+1", "@a", " =1", "\t=1", "\r=1", "\n=1", "=cmd|' /C calc'!A0"])
def test_no_cell_is_a_formula(name):
    one = record(task=name, model=name, method=name, setting=name, measured_on=name, scores={name: {name: 0.5}})
    for text in (records_as_csv({Path(name): one}), as_text(table_rows([one]), "csv")):
        lines = list(csv.reader(io.StringIO(text, newline="")))
        assert all(len(line) == len(lines[0]) for line in lines)
        for cell in (cell for line in lines for cell in line):
            assert not cell.lstrip().startswith(("=", "+", "@"))
            assert not cell.startswith("-") or float(cell) < 0
            assert cell.isprintable()


@pytest.mark.parametrize("form", ["markdown", "latex", "csv", "json"])
def test_no_format_moves_a_cursor(form):
    one = record(task=ESCAPES, model=ESCAPES, method=ESCAPES, setting=ESCAPES, scores={ESCAPES: {ESCAPES: 1.0}})
    assert as_text(table_rows([one]), form).replace("\n", "").isprintable()


def test_markup_of_a_history_is_shown_as_it_is(tmp_path):
    folder = run(tmp_path)
    (folder / "filled" / "history.json").write_text('[{"loss": 1, "step": 1, "density_[/x]": 0.5}]')
    assert "[/x]" in str(told(folder))


@pytest.mark.parametrize("words", [["report"], ["table"], ["table", "format=csv"]])
def test_a_bad_record_is_named_and_the_others_are_shown(words, tmp_path, capsys):
    bad = run(tmp_path, task="\x01", seconds={"dense": float("inf")})
    good = save(tmp_path, measured(2, config=configured(20)), "good")
    main([words[0], str(tmp_path), *words[1:]])
    err = capsys.readouterr().err
    assert f"{bad / 'record.json'}: task is no name" in err.replace("\n", "")
    assert str(good) not in err
    assert (tmp_path / "results.csv").is_file() or (tmp_path / "report.html").is_file()


@pytest.mark.parametrize("kind", ["pipe", "dangling", "folder"])
@pytest.mark.parametrize("verb", ["report", "table", "show"])
def test_a_record_that_is_no_file_is_named(kind, verb, tmp_path, capsys):
    folder = run(tmp_path)
    file = folder / "record.json"
    file.unlink()
    if kind == "folder":
        file.mkdir()
    elif kind == "pipe":
        os.mkfifo(file)
    else:
        file.symlink_to("gone")
    save(tmp_path, measured(2, config=configured(20)), "good")
    try:
        main([verb, str(folder if verb == "show" else tmp_path)])
    except SystemExit as end:
        assert (verb, end.code) == ("show", 2)
    assert "record.json: it cannot be read" in capsys.readouterr().err.replace("\n", "")
