"""Models as ONNX: converted, saved in a file, and called as ONNX Runtime calls them."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from prune.inference.inputs import Inputs

_FILE = "model.onnx"
_LARGEST = 2**31 - 2**26
"""Bytes of weights that go into the file of the graph, which may have 2 GB: protobuf's limit."""
_DECODER = "decoder_"
"""How the names of a decoder's inputs begin where there is an encoder, too."""


def to_onnx(model: Any, inputs: Inputs, quantizer: Any = None) -> Any:
    """`model` in ONNX Runtime, as transformers exports it."""
    exporters = import_module("transformers.exporters")
    config = exporters.OnnxConfig(dynamic_shapes=inputs.dynamic_shapes, quantizer=quantizer)
    exported = exporters.OnnxExporter().export(model, inputs.batch, config=config)
    for node in exported.program.graph.all_nodes():
        node.metadata_props.clear()  # where in this machine's files it was traced
    _name_axes(exported.program.graph)
    return exported.to("cpu", session_options=_session_options())


def to_int8(model: Any, inputs: Inputs) -> Any:
    """The same with weights and activations of 8 bits."""
    exporters = import_module("transformers.exporters")
    quantizer = exporters.OnnxRuntimeQuantizer(exporters.OnnxRuntimeDynamicConfig(per_channel=True))
    quantize = quantizer.quantize

    def quantize_what_has_numbers(program: Any, *args: Any, **kwargs: Any) -> Any:
        # A product of nothing, as in a layer without heads, has no range: in 8 bits the result is NaN.
        quantizer.config.nodes_to_exclude = [node.name for node in program.graph.all_nodes() if _reads_nothing(node)]
        return quantize(program, *args, **kwargs)

    quantizer.quantize = quantize_what_has_numbers
    return to_onnx(model, inputs, quantizer)


def _reads_nothing(node: Any) -> bool:
    """Whether an input of the node has no number."""
    return any(value is not None and value.shape is not None and 0 in value.shape for value in node.inputs)


def save(exported: Any, folder: Path) -> None:
    """Writes one file, and a second with the weights where that would be too large; and the configs."""
    import onnx_ir

    folder.mkdir(parents=True, exist_ok=True)
    beside = f"{_FILE}.data" if _bytes_of_weights(exported.program) > _LARGEST else None
    onnx_ir.save(exported.program, folder / _FILE, external_data=beside)
    for config in filter(None, (exported.config, exported.generation_config)):
        config.save_pretrained(folder)


class Session:
    """A saved model in ONNX Runtime, called like the model that it came from; its outputs come as a list."""

    def __init__(self, folder: Path, dtype: str = "float32"):
        import onnxruntime

        assert dtype == "float32", "the only one that it computes in"

        self._session = onnxruntime.InferenceSession(
            str(folder / _FILE), _session_options(), providers=["CPUExecutionProvider"]
        )
        self._names = [one.name for one in self._session.get_inputs()]

    def __call__(self, **batch: Tensor) -> Any:
        return self._session.run(None, {name: batch[name].numpy() for name in self._names})


def _session_options() -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    return options


def _bytes_of_weights(program: Any) -> int:
    values = (value.const_value for graph in program.graphs() for value in graph.initializers.values())
    return sum(weights.nbytes for weights in values if weights is not None)


def _name_axes(graph: Any) -> None:
    """`batch` and `sequence` for the symbols of tracing, of which one axis may have had several."""
    names: dict[str, str] = {}
    for value in graph.inputs:
        sequence = f"{_DECODER}sequence" if value.name.startswith(_DECODER) else "sequence"
        for axis, name in zip(value.shape, ("batch", sequence), strict=True):
            names.setdefault(str(axis), name)
    for value in (*graph.inputs, *(output for node in graph.all_nodes() for output in node.outputs)):
        if value.shape is not None:
            value.shape = type(value.shape)([_named(axis, names) for axis in value.shape])


def _named(axis: Any, names: dict[str, str]) -> Any:
    """An axis's size, or what it is called: a symbol, or a product or sum of some."""
    if isinstance(axis, int) or axis.value is None:
        return axis
    return re.sub(r"\w+", lambda symbol: names.get(symbol[0], symbol[0]), axis.value)
