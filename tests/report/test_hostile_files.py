"""A run is told whatever the files of its models hold, or are."""

import json
import os

import pytest

from prune.report.detail.run import Detail, detail_of
from tests.report.strangers import described, run

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
    described(folder)
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
    detail = described(file.parents[name.count("/")])
    assert (detail.recipe == "") == (name == "recipe.yaml")
    assert (detail.sublayers == []) == name.startswith("model/")
