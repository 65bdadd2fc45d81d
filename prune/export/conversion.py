"""`prune export`: the result of a run in another form, compared with the original and measured in its own runtime."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.export import Dim
from transformers import PreTrainedModel

from prune.compaction import saved_model
from prune.compaction.compact import largest_difference
from prune.compaction.stock import plain
from prune.errors import UserError
from prune.files.atomic import write_at_once
from prune.measure.environment import environment
from prune.measure.hardware import hardware
from prune.measure.size import bytes_on_disk
from prune.measure.speed import speed_batches, time_pairs
from prune.models import loading
from prune.pipeline.experiment import Experiment, prepare
from prune.pipeline.shared_stages import DENSE
from prune.recipes.reproduction import config_of
from prune.results.layout import RECORD, RunFolder, StageFolder
from prune.results.record import Record
from prune.runtime import library_output
from prune.runtime.screen import Screen

TOLERANCE = 1e-4
"""Largest difference of an output, relative to the largest output, that is rounding."""
WEIGHTS = (".onnx", ".data", ".pt2", ".safetensors")
"""Endings of the files with weights."""
_TRIED = ((1, 9), (2, 16), (5, 5))
"""Batch sizes and lengths at which the outputs are compared."""


@dataclass(frozen=True)
class Format:
    """What a model can be written as."""

    label: str
    """In the table."""
    exact: bool
    """Whether outputs are those of the original, up to rounding."""
    convert: Callable[[Any, dict[str, Tensor], dict[str, Any]], Any]
    """(model, inputs, their dynamic axes) -> what can be called like the model, and saved."""
    packages: tuple[str, ...] = ()
    rival: str = ""
    """Format of the dense model in comparisons of speed; empty: the same."""

    def export(self, model: PreTrainedModel, batch: dict[str, Tensor]) -> Any:
        """`model` as something that can be called like it, with inputs of any batch size and length, and saved."""
        shapes = {name: dict.fromkeys(range(values.dim()), Dim.DYNAMIC) for name, values in batch.items()}
        with library_output.exporters():
            return self.convert(model, batch, shapes)


def _exporters() -> Any:
    return import_module("transformers.exporters")


def _to_torch(model: Any, batch: dict[str, Tensor], shapes: dict[str, Any]) -> Any:
    exporters = _exporters()
    config = exporters.DynamoConfig(dynamic_shapes=shapes)
    return exporters.DynamoExporter().export(model, batch, config=config).to()


def _to_onnx(model: Any, batch: dict[str, Tensor], shapes: dict[str, Any], quantizer: Any = None) -> Any:
    import onnxruntime

    exporters, options = _exporters(), onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    config = exporters.OnnxConfig(dynamic_shapes=shapes, quantizer=quantizer)
    exported = exporters.OnnxExporter().export(model, batch, config=config)
    for node in exported.program.graph.all_nodes():
        node.metadata_props.clear()  # where in this machine's files it was traced
    return exported.to("cpu", session_options=options)


def _to_int8(model: Any, batch: dict[str, Tensor], shapes: dict[str, Any]) -> Any:
    exporters = _exporters()
    settings = exporters.OnnxRuntimeDynamicConfig(per_channel=True)
    return _to_onnx(model, batch, shapes, exporters.OnnxRuntimeQuantizer(settings))


_ONNX = ("onnx", "onnxruntime", "onnxscript")
FORMATS = {
    "onnx": Format("ONNX", exact=True, convert=_to_onnx, packages=_ONNX),
    "onnx_int8": Format("ONNX int8", exact=False, convert=_to_int8, packages=_ONNX, rival="onnx"),
    "torch": Format("torch.export", exact=True, convert=_to_torch),
    "plain": Format("stock", exact=True, convert=lambda model, *_: plain(model)),
}


class _Called:
    """An exported model where a transformers model is expected to be called."""

    training = False

    def __init__(self, exported: Any, config: Any):
        self._exported, self.config, self.device = exported, config, torch.device("cpu")

    def __call__(self, **batch: Tensor) -> Any:
        return self._exported(**batch)

    def eval(self) -> _Called:
        return self

    def to(self, device: Any) -> _Called:
        """Stays where its runtime computes."""
        return self

    def train(self, mode: bool = True) -> _Called:
        return self


def check_packages(form: str) -> None:
    """Raises UserError if a package that the format needs is not installed."""
    packages = FORMATS[form].packages
    if missing := [name for name in packages if find_spec(name) is None]:
        raise UserError(f"format={form} needs {', '.join(missing)}: pip install -e '.[export]'")


def export(run: RunFolder, form: str, screen: Screen) -> Record:
    """Writes the model of a finished run as `form` of FORMATS and returns its record, a row of its own in the table.

    Raises:
        UserError: if the run is not finished, or the exported model gives other outputs.
    """
    check_packages(form)
    made, record = FORMATS[form], _read(run)
    config = config_of(record)
    config.outputs = str(run.outputs or config.outputs)  # it may have been moved
    experiment = prepare(config, run, screen)
    if experiment.examples.task.generation() and not made.exact:
        raise UserError(f"format={form}: texts cannot be generated with it yet, so its metric would not be known")
    model = saved_model.load(run.model)
    dense = loading.finished_model(str(DENSE.folder(config).model), experiment.examples.task.auto_class).eval()
    screen.stage("export", f"{made.label}: writing, comparing, timing")
    exported = made.export(model, _batch(experiment, model, 2, 12))
    if made.exact and not (difference := _difference(model, exported, experiment)) <= TOLERANCE:
        raise UserError(
            f"format={form}: the exported model's outputs differ by {difference:.2g} of their size, more than the "
            f"{TOLERANCE} of rounding; nothing was written. This is a defect of the exporter: please report the model"
        )
    folder = run.exported(form)
    shutil.rmtree(folder, ignore_errors=True)
    exported.save_pretrained(folder)
    experiment.examples.tokenizer.save_pretrained(folder)
    found = _measured(experiment, record, made, (dense, model, exported), folder)
    write_at_once(folder / RECORD, json.dumps(asdict(found), indent=1) + "\n")
    return found


def _read(run: RunFolder) -> Record:
    try:
        return Record.read(run.record)
    except (OSError, ValueError) as error:
        raise UserError(f"run={run.path}: it is not the folder of a finished run ({error})") from error


def _batch(experiment: Experiment, model: PreTrainedModel, size: int, length: int) -> dict[str, Tensor]:
    """Real inputs of `size` x `length`."""
    speed = replace(experiment.config.evaluate.speed, batch_sizes=[size], length=length, generated_length=length - 2)
    return next(_batches(experiment, model, speed))


def _batches(experiment: Experiment, model: PreTrainedModel, speed: Any) -> Iterator[dict[str, Tensor]]:
    with_decoder = bool(model.config.is_encoder_decoder and model.can_generate())
    return speed_batches(
        experiment.examples.evaluation, experiment.examples.tokenizer, speed, torch.device("cpu"), with_decoder
    )


@torch.no_grad()
def _difference(model: PreTrainedModel, exported: Any, experiment: Experiment) -> float:
    """The largest over several shapes of inputs, so that a graph that fits one shape only is noticed."""
    found = []
    for size, length in _TRIED:
        batch = _batch(experiment, model, size, length)
        found.append(largest_difference(model(**batch), exported(**batch), experiment.examples.task.distilled))
    return float(np.max(found))  # NaN where there is one


def _measured(experiment: Experiment, record: Record, made: Format, trio: tuple[Any, Any, Any], folder: Path) -> Record:
    """The run's record with what is another in the new format: quality, speed against the dense model there, size."""
    dense, model, exported = trio
    settings = experiment.config.evaluate.speed
    rival = FORMATS[made.rival] if made.rival else made
    unpruned = rival.export(dense, _batch(experiment, model, 2, 12))
    speed = [
        time_pairs(unpruned, exported, batch, torch.device("cpu"), settings.pairs, known["speedup_theoretical"])
        for batch, known in zip(_batches(experiment, model, settings), record.speed, strict=True)
    ]
    scores = record.scores
    if not experiment.examples.task.generation():
        called: Any = _Called(exported, model.config)
        scores = experiment.examples.scores(called, StageFolder(folder))
    main = experiment.config.task.eval_splits[0]
    return replace(
        record,
        setting=f"{record.setting}, {made.label}",
        scores=scores,
        value=scores[main][record.metric],
        speed=[asdict(one) for one in speed],
        measured_on=hardware(environment(), "cpu", runtime=rival.label),
        bytes=bytes_on_disk(folder, WEIGHTS),
        warnings=[],
    )
