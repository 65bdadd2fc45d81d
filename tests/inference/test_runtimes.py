"""Runtimes: what a model and the unpruned one are called by, and what a target then means."""

from dataclasses import replace

import pytest
import torch

from prune.config.schema import Runtime, SpeedReference
from prune.inference.formats import FORMATS
from prune.inference.inputs import Inputs
from prune.inference.runtimes import LABELS, Serving, label_of
from tests.architectures import ARCHITECTURES, VOCABULARY, inputs

BERT = ARCHITECTURES["bert"]
CPU = torch.device("cpu")


def serving(runtime, reference="same", dtype=torch.float32):
    return Serving(dtype, CPU, Runtime(runtime), SpeedReference(reference), Inputs(inputs(BERT)))


@pytest.fixture
def converted(monkeypatch):
    """Formats whose conversion takes no time: what comes out says what it was made of, and in which format."""
    made = []
    for name in ("onnx", "onnx_int8", "openvino", "openvino_int8"):

        def convert(model, _, name=name):
            made.append(name)
            return name, model.dtype

        def opened(_folder, dtype, name=name):
            return name, dtype

        monkeypatch.setitem(FORMATS, name, replace(FORMATS[name], convert=convert, save=lambda *_: None, opened=opened))
    return made


@pytest.mark.parametrize(
    ("runtime", "reference", "of_model", "of_dense"),
    [
        ("onnx", "same", "onnx", "onnx"),
        ("onnx_int8", "same", "onnx_int8", "onnx"),
        ("openvino", "same", "openvino", "openvino"),
        ("openvino_int8", "same", "openvino_int8", "openvino"),
        ("onnx_int8", "torch", "onnx_int8", None),
    ],
)
def test_the_reference_is_the_unpruned_model_in_no_8_bits(runtime, reference, of_model, of_dense, converted):
    dense, one = BERT.model(), serving(runtime, reference)
    assert one.of(BERT.model()) == (of_model, "float32")
    found = one.reference_of(dense)
    assert found == (of_dense, "float32") if of_dense else found is dense
    assert one.is_reference == (of_model == of_dense)


def test_a_reference_is_converted_once(converted):
    one = serving("onnx_int8")
    assert one.reference_of(BERT.model()) is one.reference_of(BERT.model())
    assert converted == ["onnx"]


def test_openvino_computes_in_the_number_format_that_is_asked_for(converted):
    assert serving("openvino", dtype=torch.bfloat16).of(BERT.model()) == ("openvino", "bfloat16")


def test_pytorch_runs_models_as_they_are():
    model, one = BERT.model(), serving("torch")
    assert one.of(model) is model is one.reference_of(model)
    assert one.is_plain
    assert one.is_reference
    assert not serving("torch", dtype=torch.bfloat16).is_plain


def test_in_another_number_format_eager_mode_in_float32_is_a_copy():
    model, one = BERT.model(), serving("torch", dtype=torch.bfloat16)
    eager = one.eager(model)
    assert one.of(model).dtype is torch.bfloat16
    assert eager.dtype is torch.float32


def test_every_runtime_has_a_label_of_its_own():
    labels = list(map(label_of, Runtime))
    assert len(set(labels)) == len(labels)
    assert label_of(Runtime.torch) == ""
    assert {one.value for one in Runtime if one not in LABELS} <= set(FORMATS)


def outputs_of(model, called, size, length):
    batch = {"input_ids": torch.randint(3, VOCABULARY, (size, length))}
    batch["attention_mask"] = torch.ones_like(batch["input_ids"])
    batch["attention_mask"][0, length // 2 + 1 :] = 0
    with torch.no_grad():
        found = called(**batch)
        logits = found["logits"] if isinstance(found, dict) else found[0]
        return model(**batch).logits, torch.as_tensor(logits)


@pytest.mark.slow
@pytest.mark.parametrize("runtime", ["torch_compile", "onnx", "openvino"])
def test_exact_runtimes_give_the_outputs_of_the_model_at_any_size(runtime):
    model = BERT.model().eval()
    called = serving(runtime).of(model)
    for size, length in ((3, 7), (1, 12)):
        expected, found = outputs_of(model, called, size, length)
        torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)
