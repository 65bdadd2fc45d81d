"""Runs that are timed where they are served, in formats that take no time: a converted model is a copy."""

import copy
import json
from dataclasses import replace

import pytest
import yaml

from prune.inference import needs
from prune.inference.formats import FORMATS
from prune.results.record import Record
from tests.runs.tiny import call, command

CONVERTED = ("onnx", "onnx_int8")
SHIFT = 3.0
"""That the 8-bit format adds to the logits of the first label: so its scores are others."""


@pytest.fixture(autouse=True)
def quick(monkeypatch, tmp_path):
    """Formats that save a model by torch, and compute in it; 8 bits give wrong answers."""

    def convert(model, _, exact=True):
        made = copy.deepcopy(model).eval()
        if not exact:
            made.classifier.bias.data[0] += SHIFT
        return made

    saved = []

    def save(model, folder):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "model.onnx").write_text(str(len(saved)))
        saved.append(model)

    def opened(folder, _dtype):
        return saved[int((folder / "model.onnx").read_text())]

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))  # these tables are no measurements
    monkeypatch.setattr(needs, "find_spec", lambda _: object())
    for name in CONVERTED:
        exact = FORMATS[name].exact
        monkeypatch.setitem(
            FORMATS,
            name,
            replace(
                FORMATS[name],
                convert=lambda model, inputs, exact=exact: convert(model, inputs, exact),
                save=save,
                opened=opened,
            ),
        )


def record_in(folder):
    (file,) = folder.glob("outputs/*/*/*/*/*/record.json")
    return file.parent, Record.read(file)


@pytest.mark.parametrize("runtime", CONVERTED)
def test_a_run_is_timed_and_kept_in_its_runtime(runtime, alone):
    code, out, err = call(f"evaluate.speed.runtime={runtime}", "outputs=outputs", method="one_shot")
    assert code == 0, err
    run, record = record_in(alone)
    weights = run / "exported" / runtime / "model.onnx"
    assert record.bytes == weights.stat().st_size
    assert record.setting.endswith(f", {FORMATS[runtime].label}")
    assert record.measured_on.endswith("float32, ONNX")  # as the unpruned model
    assert all(one["speedup_over_eager"] > 0 and one["eager_ms"] > 0 for one in record.speed)
    assert "over eager" in out
    assert yaml.safe_load((run / "recipe.yaml").read_text())["evaluate"]["speed"]["runtime"] == runtime
    assert len(json.loads((run / "predictions/validation/predictions.json").read_text())) == 64


def test_in_8_bits_it_is_evaluated_in_8_bits(alone):
    values = {}
    for runtime in CONVERTED:
        outputs = alone / runtime
        words = (f"evaluate.speed.runtime={runtime}", f"outputs={outputs / 'outputs'}")
        assert call(*words, method="one_shot")[0] == 0
        values[runtime] = record_in(outputs)[1].scores
    assert values["onnx"] != values["onnx_int8"]


def test_a_target_may_be_over_eager_mode(alone):
    """Asked for too much, it tells the range that is possible there."""
    words = ("target.density=null", "target.speedup=1000", "evaluate.speed.runtime=onnx_int8")
    code, _, err = call(*words, "evaluate.speed.reference=torch", "outputs=outputs", method="one_shot")
    assert code == 2
    assert "(unpruned) to" in err


def test_texts_are_generated_in_pytorch_only(alone):
    words = ("task=summarization", "model=demo", "method=struct", "evaluate.speed.runtime=onnx")
    code, _, err = command(*words)
    assert code == 2
    assert "Traceback" not in err


def test_a_run_in_every_runtime_at_hand(finished_runs, alone, monkeypatch):
    folder = finished_runs.copy("struct", alone / "outputs")
    missing = ("openvino", "nncf")
    monkeypatch.setattr(needs, "find_spec", lambda name: None if name in missing else object())
    monkeypatch.setattr(needs.shutil, "which", lambda _: None)
    code, out, err = command("bench", "runtimes", f"run={folder}", "evaluate.speed.batch_sizes=[2]")
    assert code == 0, err
    timings = json.loads((alone / "outputs/bench/runtimes.json").read_text())["timings"]
    assert [(one["runtime"], one["dtype"]) for one in timings] == [
        ("", "float32"), ("", "bfloat16"), ("ONNX", "float32"), ("ONNX int8", "float32")
    ]  # fmt: skip
    assert "left out: evaluate.speed.runtime=openvino needs openvino: pip install -e '.[openvino]'" in err
    assert "left out: evaluate.speed.runtime=torch_compile" in err
    assert "PyTorch, eager, bfloat16" in out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "prune bench runtimes: say run=<folder of a finished run>"),
        (("run=",), "prune bench runtimes: say run=<folder of a finished run>"),
        (("run=here", "seed=1"), "prune bench runtimes: 'seed=1' is not known. Allowed: evaluate.speed.<setting>"),
        (("run=here", "evaluate.speed.runtime=onnx"), "evaluate.speed.runtime: it times all of them; leave it out"),
        (("run=here",), "here is not the folder of a finished run"),
    ],
)
def test_a_mistake_is_told(words, said, alone):
    code, _, err = command("bench", "runtimes", *words)
    assert code == 2
    assert said in " ".join(err.split())
