"""ONNX: one file, axes with names, and the outputs of the model at any size."""

import importlib

import pytest
import torch

from prune.compaction.compact import largest_difference
from prune.compaction.structure import Structure
from prune.inference import onnx
from prune.inference.formats import FORMATS
from prune.inference.inputs import Inputs
from prune.models.architecture import sublayers_of
from prune.models.units import all_units
from tests.architectures import ARCHITECTURES, inputs
from tests.inference.test_conversion import axes_of, pruned, random_batch

BERT = ARCHITECTURES["bert"]
SIZES = ((3, 7), (1, 12), (5, 4))


@pytest.fixture(scope="module")
def model():
    return pruned(BERT)


@pytest.fixture(scope="module")
def exported(model):
    return FORMATS["onnx"].export(model, Inputs(inputs(BERT)))


@torch.no_grad()
@pytest.mark.slow
def test_outputs_are_those_of_the_model_at_any_size(model, exported):
    for batch in (random_batch(BERT, *size) for size in SIZES):
        assert largest_difference(model(**batch), exported(**batch), ("logits",)) <= 1e-5


@pytest.mark.slow
def test_axes_have_names_everywhere(exported):
    graph = exported.program.graph
    assert axes_of(graph.inputs) == ["batch", "sequence"] * 2
    assert axes_of(graph.outputs) == ["batch"]
    inner = axes_of(output for node in graph for output in node.outputs if output.shape is not None)
    assert {"batch", "sequence"} <= set(inner) <= {"batch", "sequence", None}


def test_the_symbols_of_a_decoder_are_told_from_those_of_the_encoder():
    """Products, too, and two symbols of one axis."""
    ir = importlib.import_module("onnx_ir")
    shapes = {"input_ids": ["s1", "s2"], "attention_mask": ["s3", "s2"], "decoder_input_ids": ["s1", "s12"]}
    given = [ir.val(name, dtype=ir.DataType.INT64, shape=shape) for name, shape in shapes.items()]
    node = ir.node(
        "Both", given, outputs=[ir.val("logits", shape=["s1", "s12", 7]), ir.val("all", shape=["s1*s12 + s2"])]
    )
    graph = ir.Graph(given, node.outputs, nodes=[node])
    onnx._name_axes(graph)
    assert axes_of(graph.inputs) == ["batch", "sequence", "batch", "sequence", "batch", "decoder_sequence"]
    assert axes_of(graph.outputs) == ["batch", "decoder_sequence", "batch*decoder_sequence + sequence"]


@pytest.mark.slow
@pytest.mark.parametrize("largest", [None, 1000], ids=["one file", "two where it is too large"])
@torch.no_grad()
def test_it_is_saved_in_as_few_files_as_protobuf_allows(largest, model, exported, tmp_path, monkeypatch):
    if largest:
        monkeypatch.setattr(onnx, "_LARGEST", largest)
    onnx.save(exported, tmp_path)
    written = {file.name for file in tmp_path.iterdir()}
    assert written == {"config.json", "model.onnx"} | ({"model.onnx.data"} if largest else set())
    session = onnx.Session(tmp_path)
    for batch in (random_batch(BERT, *size) for size in SIZES):
        (logits,) = session(**batch)
        assert torch.allclose(torch.from_numpy(logits), model(**batch).logits, atol=1e-5)


@pytest.mark.slow
@torch.no_grad()
def test_8_bits_leave_layers_alone_that_have_lost_everything():
    """The range of no numbers is none: what is computed with it is NaN, in some runs."""
    model = BERT.model()
    sublayers = sublayers_of(model)
    lost = (sublayers[0].name, sublayers[3].name)  # the first attention, the second feed-forward layer
    kept = {name: () if name in lost else units for name, units in all_units(sublayers).items()}
    Structure("bert", kept).apply(model.base_model, sublayers)
    exported = FORMATS["onnx_int8"].export(model, Inputs(inputs(BERT)))
    nodes = list(exported.program.graph.all_nodes())
    quantized = [node for node in nodes if node.op_type in ("DynamicQuantizeLinear", "MatMulInteger")]
    assert sum(node.op_type == "MatMulInteger" for node in quantized) == 2 * 4 + 2 * 2 + 2  # the pooler, the head
    assert not any(map(onnx._reads_nothing, quantized))
    for batch in (random_batch(BERT, *size) for size in SIZES):
        assert exported(**batch).logits.isfinite().all()
