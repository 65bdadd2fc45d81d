"""What a run has reached: quality, size and speed against the dense model, as a record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from transformers import PreTrainedModel

from prune.compaction.structure import Structure
from prune.inference.formats import FORMATS, WEIGHTS
from prune.inference.runtimes import LABELS
from prune.measure import size
from prune.measure.environment import environment
from prune.pipeline.experiment import Experiment
from prune.pipeline.measuring import measured
from prune.pipeline.probes import score_once, score_probe
from prune.pipeline.serving import ServedModel, write_converted
from prune.pipeline.shared_stages import DENSE, CompactReport, DenseReport, SparseReport
from prune.pipeline.stage import Report, Stage
from prune.pipeline.stages import reports
from prune.results.layout import RunFolder, StageFolder
from prune.results.record import Record
from prune.results.remarks import remarks_on
from prune.tasks.metrics.specs import spec_of


def assess(experiment: Experiment, stage: Stage, folder: RunFolder) -> Record:
    """The record of the model of `stage` that lies in `folder`, where its predictions go."""
    config, examples, networks = experiment.config, experiment.examples, experiment.networks
    task, sublayers = examples.task, networks.sublayers
    reported = reports(stage, experiment)
    dense = next(one for one in reported.values() if isinstance(one, DenseReport))
    compacted = [one for one in reported.values() if isinstance(one, CompactReport)][-1]
    dense_folder = DENSE.folder(config)
    model, dense_model = networks.pruned(folder.model), networks.dense(dense_folder)
    served, written = _served(experiment, model, folder)
    scores = examples.scores(served, folder, dense_folder)
    dense_scores = {split: dict(values) for split, values in dense.scores.items()}
    structure = Structure.read(folder.model)
    main, metric = config.task.eval_splits[0], config.task.metrics[0]
    prunable = size.num_prunable(networks.dense_sublayers)
    speed = measured(experiment, dense_model, model, written)
    record = Record(
        task=config.task.name,
        task_version=config.task.version,
        model=config.model.name,
        method=config.method.name,
        setting=experiment.setting,
        seed=config.seed,
        metric=metric,
        higher_is_better=spec_of(metric).higher_is_better,
        value=scores[main][metric],
        dense_value=dense_scores[main][metric],
        scores=scores,
        dense_scores=dense_scores,
        chance=task.chance(examples.rows[main]),
        num_examples={split: len(rows) for split, rows in examples.rows.items()},
        num_truncated={split: task.num_truncated(rows) for split, rows in examples.features.items()},
        linear_density=size.num_nonzero(model.base_model, sublayers) / prunable,
        linear_density_before_fill=compacted.density,
        linear_params=size.num_left(model.base_model, sublayers),
        dense_linear_params=prunable,
        params=size.num_parameters(model),
        dense_params=size.num_parameters(dense_model),
        bytes=size.bytes_on_disk(written or folder.model, WEIGHTS),
        dense_bytes=size.bytes_on_disk(dense_folder.model),
        heads_kept=structure.counts(networks.dense_sublayers, "attention"),
        dimensions_kept=structure.counts(networks.dense_sublayers, "feed_forward"),
        largest_logit_difference=compacted.largest_logit_difference,
        units_spared=dict(compacted.spared),
        shapes=[{site: list(counts) for site, counts in shape.items()} for shape in compacted.shapes],
        scores_before_training=_scores_before(reported.values()),
        probes=_probe_scores(experiment, model, folder),
        dense_probes=_dense_probe_scores(experiment, dense_model, dense_folder),
        baseline=task.baseline,
        seconds={name: report.seconds for name, report in reported.items()},
        peak_memory_bytes={name: report.peak_memory_bytes for name, report in reported.items()},
        training=_training(experiment, stage, reported),
        config=asdict(config),
        environment=environment() | {"data": examples.fingerprints},
        **speed,
    )
    record.warnings = [*task.remarks, *remarks_on(record)]
    return record


def _served(experiment: Experiment, model: PreTrainedModel, folder: RunFolder) -> tuple[Any, Path | None]:
    """What is to be scored, and where the model lies converted for its runtime: where PyTorch does not run it.

    Exact formats give its own outputs, up to rounding; so the model itself is scored.
    """
    runtime = experiment.config.evaluate.speed.runtime
    if runtime in LABELS:
        return model, None
    form = runtime.value
    experiment.screen.stage("export", f"{FORMATS[form].label}, in which it is timed")
    converted = write_converted(experiment.examples, model, form, folder.exported(form))
    exact = FORMATS[form].exact
    served = model if exact else ServedModel(converted, model.config, experiment.examples.task)
    return served, folder.exported(form)


def _training(experiment: Experiment, result: Stage, reported: Mapping[str, Report]) -> dict[str, dict[str, float]]:
    """What the trainings of a run have taken; empty where a stage does not tell, or is not there any more."""
    found = {stage.name: reported[stage.name].training for stage in result.chain() if stage.name in reported}
    if None in found.values() or len(found) < len(result.chain()):
        return {}
    before = next(one.pretraining_flops for one in reported.values() if isinstance(one, DenseReport))
    is_taught = any(stage.work(experiment, 1.0).taught_steps for stage in result.chain())
    asked = experiment.learning.teacher_flops(DENSE.folder(experiment.config)) if is_taught else 0.0
    beside = {name: {"flops": flops} for name, flops in (("pretraining", before), ("teacher", asked)) if flops}
    return beside | {name: dict(training) for name, training in found.items() if training}


def _scores_before(reported: Iterable[Report]) -> dict[str, dict[str, float]]:
    sparse = [one for one in reported if isinstance(one, SparseReport)]
    return {split: dict(values) for split, values in sparse[-1].scores_before.items()} if sparse else {}


def with_probes(experiment: Experiment, record: Record) -> Record:
    """The record of a finished run with the scores of the config's probes, those that it lacks scored now."""
    dense_folder, folder = DENSE.folder(experiment.config), experiment.folder
    experiment.screen.stage("evaluate", "the probes that the record lacks")
    lacking = replace(experiment, probes=[one for one in experiment.probes if one.config.name not in record.probes])
    scores = _probe_scores(lacking, experiment.networks.pruned(folder.model), folder)
    dense_scores = _dense_probe_scores(lacking, experiment.networks.dense(dense_folder), dense_folder)
    return replace(record, probes=record.probes | scores, dense_probes=record.dense_probes | dense_scores)


def _probe_scores(experiment: Experiment, model: PreTrainedModel, folder: RunFolder) -> dict[str, dict[str, float]]:
    return {
        probe.config.name: score_probe(probe, model, experiment.examples, folder.probe(probe.config.name))
        for probe in experiment.probes
    }


def _dense_probe_scores(
    experiment: Experiment, model: PreTrainedModel, folder: StageFolder
) -> dict[str, dict[str, float]]:
    return {probe.config.name: score_once(probe, model, experiment.examples, folder) for probe in experiment.probes}
