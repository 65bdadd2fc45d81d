"""`prune bench runtimes`: a finished run's model and the unpruned one in every runtime at hand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

from prune.config.schema import Config, Runtime
from prune.files.atomic import write_at_once
from prune.inference.needs import NEEDS, runtime_problems
from prune.inference.runtimes import LABELS, Called, Serving, label_of
from prune.measure.environment import environment
from prune.measure.speed import Batches, speed_batches, time_pairs
from prune.pipeline.experiment import Experiment, prepare
from prune.pipeline.exported_dense import dense_model
from prune.pipeline.measuring import kept_dense
from prune.pipeline.serving import has_decoder, serving_of
from prune.pipeline.shared_stages import DENSE
from prune.results.layout import RunFolder
from prune.runtime.screen import Screen


@dataclass(frozen=True)
class RuntimeTiming:
    """Both models in one runtime, at one batch size. Times in milliseconds per batch, medians."""

    runtime: str
    """As tables call it; empty for PyTorch as it is."""
    dtype: str
    batch_size: int
    length: int
    dense_ms: float
    model_ms: float
    pruning: float
    """Time of the unpruned model over the pruned one's, both in this runtime."""
    over_eager: float
    """Time of the unpruned model in PyTorch's eager mode, in float32, over the pruned one's here."""

    @property
    def of_runtime(self) -> float:
        """What the runtime alone gives."""
        return self.over_eager / self.pruning


def compare_runtimes(config: Config, run: RunFolder, output: Path, screen: Screen) -> list[RuntimeTiming]:
    """Times the models of a finished run in every runtime that can run them here; writes `output` after each.

    Raises:
        UserError: if its unpruned model is gone, or its task generates texts.
    """
    kept_dense(config)
    experiment = prepare(config, run, screen)
    found: list[RuntimeTiming] = []
    for candidate in _possible(config, screen):
        found += _timings(replace(experiment, config=candidate))
        content = {"environment": environment(), "run": str(run.path), "timings": [asdict(one) for one in found]}
        write_at_once(output, json.dumps(content, indent=1) + "\n")
    return found


def _possible(config: Config, screen: Screen) -> Iterator[Config]:
    """One for each runtime and number format that is at hand; others are told, with the reason."""
    for runtime in Runtime:
        dtypes = ("float32", "bfloat16") if runtime in LABELS else NEEDS[runtime.value].dtypes
        for dtype in dtypes:
            speed = replace(config.evaluate.speed, runtime=runtime, dtype=dtype)
            candidate = replace(config, evaluate=replace(config.evaluate, speed=speed))
            if problem := next(runtime_problems(speed), None):
                screen.say(f"          left out: {problem}")
                break
            yield candidate


def _timings(experiment: Experiment) -> Iterator[RuntimeTiming]:
    speed, networks = experiment.config.evaluate.speed, experiment.networks
    model = networks.pruned(experiment.folder.model).eval()
    dense = networks.dense(DENSE.folder(experiment.config)).eval()
    with_decoder = has_decoder(model)
    serving = serving_of(experiment.config, experiment.examples, with_decoder=with_decoder)
    label = label_of(speed.runtime)
    experiment.screen.stage("bench", f"{label or 'PyTorch, eager'}, {speed.dtype}")
    eager = serving.eager(dense)
    unpruned, pruned = _dense_called(experiment, serving, dense, with_decoder=with_decoder), serving.of(model)
    examples = experiment.examples
    for batches in speed_batches(examples.evaluation, examples.tokenizer, speed, serving.device, with_decoder):
        yield _timing(label, speed.dtype, (unpruned, pruned, eager), batches, serving.device, speed.pairs)


def _dense_called(experiment: Experiment, serving: Serving, dense: Any, *, with_decoder: bool) -> Called:
    """The unpruned model in the same runtime, in 8 bits, too."""
    if serving.format is None:
        return serving.of(dense)
    runtime, dtype = serving.runtime.value, experiment.config.evaluate.speed.dtype
    return dense_model(runtime, experiment, with_decoder=with_decoder, dtype=dtype)


def _timing(
    label: str,
    dtype: str,
    called: tuple[Called, Called, Called],
    batches: Batches,
    device: torch.device,
    pairs: int,
) -> RuntimeTiming:
    unpruned, pruned, eager = called
    same = time_pairs(unpruned, pruned, batches, device, pairs, promised=1.0)
    over = time_pairs(eager, pruned, batches, device, pairs, promised=1.0)
    return RuntimeTiming(
        label, dtype, same.batch_size, same.length, same.dense_ms, same.model_ms, same.speedup, over.speedup
    )
