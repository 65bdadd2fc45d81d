"""Models for OpenVINO: converted, saved in its files, and called as it calls them."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from prune.inference.inputs import Inputs

_FILE = "openvino_model.xml"
"""The graph; the weights lie beside it."""


def to_openvino(model: Any, inputs: Inputs, quantizer: Any = None) -> Any:
    """`model` in OpenVINO, as transformers exports it."""
    exporters = import_module("transformers.exporters")
    config = exporters.OpenVINOConfig(dynamic_shapes=inputs.dynamic_shapes, quantizer=quantizer)
    exported = exporters.OpenVINOExporter().export(model, inputs.batch, config=config)
    return exported.to("cpu", config=_settings("float32"))


def to_int8(model: Any, inputs: Inputs) -> Any:
    """The same with weights and activations of 8 bits, whose ranges the inputs for calibration show."""
    exporters = import_module("transformers.exporters")
    samples = list(inputs.calibration or [inputs.batch])
    settings = exporters.NNCFQuantizationConfig(subset_size=len(samples))
    return to_openvino(model, inputs, exporters.NNCFOpenVINOQuantizer(settings, samples))


class CompiledModel:
    """A saved model in OpenVINO, called like the model that it came from; its outputs come by their names."""

    def __init__(self, folder: Path, dtype: str = "float32"):
        import openvino

        model = openvino.Core().read_model(folder / _FILE)
        self._request = openvino.compile_model(model, "CPU", _settings(dtype)).create_infer_request()
        self._names = [port.get_any_name() for port in model.inputs]

    def __call__(self, **batch: Tensor) -> Any:
        return self._request.infer({name: batch[name].numpy() for name in self._names}, share_inputs=True)


def _settings(dtype: str) -> dict[str, Any]:
    """As many threads as torch has, and sums in this number format, which the processor would else choose."""
    precision = {"float32": "f32", "bfloat16": "bf16"}[dtype]
    return {"INFERENCE_NUM_THREADS": torch.get_num_threads(), "INFERENCE_PRECISION_HINT": precision}
