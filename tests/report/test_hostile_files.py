"""A run is told whatever the files of its models hold, or are."""

import json
import os

import pytest

from prune.report.detail.run import Detail, detail_of
from tests.report.strangers import described, run

HISTORY = (
    '[1, {"loss": NaN, "step": "x"}, {"loss": 1, "step": 2, "density_\\u0001": 1, "density_[/x]": 1, "a_loss": "b"}]'
)
KEPT = {"encoder.layer.0.attention": "0", "encoder.layer.0.feed_forward": "0"}


def _config(model_type="bert", sizes=4, shape=(), **values):
    structure = {"version": 2, "kept": KEPT} | values
    named = {"model_type": model_type, "num_attention_heads": sizes, "pruned_shape": shape}
    return "model/config.json", json.dumps(named | {"pruned_structure": structure})


def _units(units):
    return _config(kept=KEPT | {"encoder.layer.0.attention": units})


MODELS = {
    "no structure": ("model/config.json", '{"pruned_structure": 3, "model_type": "bert"}'),
    "no structure, nor one of before": ("model/config.json", '{"model_type": "bert"}'),
    "a deep structure": ("model/config.json", "[" * 100_000),
    "a module of Python": _config("os"),
    "no text as a type": _config(["bert"]),
    "units below 0": _units("-1"),
    "units without end": _units("0-999999999"),
    "one far unit": _units("999999999"),
    "units of text": _units("a"),
    "layers of no list": _config(layers=3),
    "heads without end": _config(sizes=10**12),
    "shapes of another kind": _config(shape=3),
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
    described(folder)
    (folder / "record.json").unlink()
    assert isinstance(detail_of(folder, None), Detail)


@pytest.mark.parametrize("name", ["recipe.yaml", "report.json", "model/config.json", "model/model.safetensors"])
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
    detail = described(file.parents[name.count("/")])
    assert (detail.recipe == "") == (name == "recipe.yaml")
    assert (detail.sublayers == []) == name.startswith("model/")
