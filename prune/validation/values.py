"""Values: ranges, targets, durations, and what contradicts what."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, is_dataclass
from operator import attrgetter
from typing import Any, get_args, get_origin

from prune.config.durations import in_steps
from prune.config.keys import flatten, kinds
from prune.config.reference import problems_of
from prune.config.schema import Config, Finish
from prune.config.targets import ONE_SHOT, given
from prune.files.limits import problem_of
from prune.masking.grains import GRAINS
from prune.runtime import distributed
from prune.runtime.sanitize import shown
from prune.validation.names import sites


def bounds(config: Config) -> Iterator[str]:
    """What no value of any key exceeds, as it may where it refers to others."""
    for assignment in flatten(asdict(config)):
        if problem := problem_of(assignment.key, assignment.value):
            yield problem


def forms(config: Config) -> Iterator[str]:
    """Lists and mappings that hold what they cannot, which OmegaConf lets pass."""
    for key, kind in kinds().items():
        if not _fits(value := attrgetter(key)(config), kind):
            yield f"{key}={shown(value)}: must be a {kind}"


def _fits(value: Any, kind: Any) -> bool:
    form, inner = get_origin(kind), get_args(kind)
    if form is list:
        return isinstance(value, list) and all(_fits(item, inner[0]) for item in value)
    if form is dict:
        return isinstance(value, dict) and all(_fits(item, inner[1]) for item in value.values())
    return kind is Any or not (isinstance(value, (list, dict)) or is_dataclass(value))


def ranges(config: Config) -> Iterator[str]:
    """Numbers outside their range."""
    method, schedule, speed = config.method, config.schedule, config.evaluate.speed
    limits: list[tuple[str, Any, bool, str]] = [
        ("method.density", method.density, 0 < method.density <= 1, "above 0, at most 1"),
        ("method.layers", method.layers, 0 < method.layers <= 1, "above 0, at most 1"),
        ("method.threshold", method.threshold, 0 <= method.threshold < 1, "at least 0, below 1"),
        ("method.penalty", method.penalty, method.penalty >= 0, "at least 0"),
        ("schedule.epochs", schedule.epochs, schedule.epochs > 0, "above 0"),
        ("schedule.dense_epochs", schedule.dense_epochs, schedule.dense_epochs > 0, "above 0"),
        ("schedule.fill_epochs", schedule.fill_epochs, schedule.fill_epochs > 0, "above 0"),
        ("schedule.batch_size", schedule.batch_size, schedule.batch_size > 0, "above 0"),
        ("schedule.eval_batch_size", schedule.eval_batch_size, schedule.eval_batch_size > 0, "above 0"),
        ("schedule.learning_rate", schedule.learning_rate, schedule.learning_rate > 0, "above 0"),
        ("schedule.score_learning_rate", schedule.score_learning_rate, schedule.score_learning_rate > 0, "above 0"),
        ("schedule.weight_decay", schedule.weight_decay, schedule.weight_decay >= 0, "at least 0"),
        ("distillation.temperature", config.distillation.temperature, config.distillation.temperature > 0, "above 0"),
        ("seed", config.seed, 0 <= config.seed < 2**31, "at least 0, below 2^31"),
        ("task.max_length", config.task.max_length, config.task.max_length >= 8, "at least 8"),
        ("task.eval_from_train", config.task.eval_from_train, config.task.eval_from_train >= 0, "at least 0"),
        ("method.importance_examples", method.importance_examples, method.importance_examples > 0, "above 0"),
        ("method.removal_steps", method.removal_steps, method.removal_steps > 0, "above 0"),
        ("method.recovery", method.recovery, 0 <= method.recovery < 1, "at least 0, below 1"),
        ("method.refit_examples", method.refit_examples, method.refit_examples > 0, "above 0"),
        ("evaluate.speed.pairs", speed.pairs, speed.pairs > 1, "at least 2"),
    ]
    alphas = {name: getattr(config.distillation, name) for name in ("alpha_ce", "alpha_teacher", "alpha_layers")}
    limits += [(f"distillation.{name}", value, value >= 0, "at least 0") for name, value in alphas.items()]
    optional = (("task.train_examples", config.task.train_examples), ("task.eval_examples", config.task.eval_examples))
    fill_rate, fill_batch = schedule.fill_learning_rate, schedule.fill_batch_size
    limits += [("schedule.fill_learning_rate", fill_rate, fill_rate is None or fill_rate > 0, "above 0, or null")]
    dropout = schedule.dropout
    limits += [("schedule.dropout", dropout, dropout is None or 0 <= dropout < 1, "in [0, 1), or null")]
    limits += [("schedule.fill_batch_size", fill_batch, fill_batch is None or fill_batch > 0, "above 0, or null")]
    limits += [(key, value, value is None or value > 0, "above 0, or null for all") for key, value in optional]
    least, most = config.search.min_speedup, config.search.max_loss
    limits += [("search.min_speedup", least, least is None or least > 0, "above 0, or null")]
    limits += [("search.max_loss", most, most is None or 0 <= most < 1, "at least 0, below 1, or null")]
    limits += [("evaluate.speed.length", speed.length, speed.length is None or speed.length > 0, "above 0, or null")]
    for name in ("batch_sizes", "generation_batch_sizes"):
        limits += [(f"evaluate.speed.{name}", size, size > 0, "above 0") for size in getattr(speed, name)]
    for name, site in sites(config):
        weight = site.penalty_weight
        limits.append((f"method.{name}.penalty_weight", weight, weight >= 0, "at least 0"))
    finite = {"answers.null_threshold": config.task.answers.null_threshold}
    finite |= {"summaries.length_penalty": config.task.summaries.length_penalty}
    limits += [(f"task.{key}", value, True, "finite") for key, value in finite.items()]
    round_to = config.compact.round_to
    whole = isinstance(round_to, int) and not isinstance(round_to, bool) and round_to >= 1
    limits.append(("compact.round_to", round_to, whole or round_to == "auto", "a whole number from 1, or auto"))
    for key, value, good, allowed in limits:
        if not good or (isinstance(value, float) and not math.isfinite(value)):
            yield f"{key}={shown(value)}: must be {allowed}"
    for name in ("batch_sizes", "generation_batch_sizes"):
        if not getattr(speed, name):
            yield f"evaluate.speed.{name}=[]: name at least one batch size"


def target(config: Config) -> Iterator[str]:
    """Targets that contradict each other, the method, or reason."""
    targets, one_shot = given(config), config.method.kind == ONE_SHOT
    named = " and ".join(f"target.{kind}" for kind in targets)
    if len(targets) > 1 or (one_shot and not targets):
        yield (
            f"method={config.method.name} needs one target ({named or 'none'} given): density, params, speedup or "
            "latency_ms, as in target.speedup=2.5 or target.speedup=[2,3,4]"
        )
    if one_shot and config.method.layers != 1:
        yield f"method.layers={config.method.layers}: not read by {ONE_SHOT}, which removes whole sublayers by itself"
    if config.method.recovery and not one_shot:
        yield f"method.recovery={config.method.recovery}: not read by {config.method.name}; method=one_shot recovers"
    if targets and config.compact.round_to != 1:
        yield f"compact.round_to={config.compact.round_to}: not read where there is a target, from which widths follow"
    scatter = {name for name, grain in GRAINS.items() if grain.scattered}
    scattered = [f"{name}.grain={site.grain}" for name, site in sites(config) if site.grain in scatter]
    if scattered and targets.keys() - {"density"}:
        yield (
            f"{named}: not to be had by method.{scattered[0]}, whose zeros are scattered and make "
            "nothing smaller or faster; say target.density, or another grain"
        )
    elif scattered and targets and config.method.finish is Finish.fill:
        yield (
            f"{named}: not to be had by method.{scattered[0]} with method.finish=fill, which frees "
            "scattered zeros again; say method.finish=fold, or another grain"
        )
    ranges = {"density": (0.0, 1.0), "params": (0.0, 1.0), "speedup": (1.0, math.inf), "latency_ms": (0.0, math.inf)}
    for kind, values in targets.items():
        low, high = ranges[kind]
        allowed = f"above {low:g}" + (f", below {high:g}" if math.isfinite(high) else "")
        for value in values:
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not low < value < high:
                yield f"target.{kind}={shown(value)}: must be {allowed}, or a list of such values"
        if not values:
            yield f"target.{kind}=[]: name at least one value"


def durations(config: Config) -> Iterator[str]:
    """Durations that cannot be read, or leave nothing of the training."""
    schedule = config.schedule
    named = {"warmup": schedule.warmup, "cooldown": schedule.cooldown, "checkpoint_every": schedule.checkpoint_every}
    if schedule.fill_warmup is not None:
        named["fill_warmup"] = schedule.fill_warmup
    fractions = []
    for name, value in named.items():
        try:
            in_steps(value, 1)
        except ValueError as error:
            yield f"schedule.{name}: {error}"
        else:
            fractions += [float(value)] if name in ("warmup", "cooldown") and not isinstance(value, str) else []
    if sum(fractions) >= 1:
        both = f"schedule.warmup={schedule.warmup} and schedule.cooldown={schedule.cooldown}"
        yield f"{both}: nothing of the training is left between them; together they must be below 1"


def layers(config: Config) -> Iterator[str]:
    """Layers to learn from that no teacher has."""
    if config.distillation.alpha_layers > 0 and config.teacher == "none":
        yield f"distillation.alpha_layers={config.distillation.alpha_layers}: teacher=none has no layers to learn from"


def rounding(config: Config) -> Iterator[str]:
    """Rounding where there is nothing to round."""
    whole = [name for name, grain in GRAINS.items() if grain.whole_units]
    if config.compact.round_to != 1 and not any(site.grain in whole for _, site in sites(config)):
        yield (
            f"compact.round_to={config.compact.round_to}: nothing would be rounded, since {config.method.name} removes "
            f"parts of heads and dimensions; it needs the grain {' or '.join(whole)} at one site"
        )


def nothing(config: Config) -> Iterator[str]:
    """A method that would leave everything as it is."""
    if config.method.layers == 1 and all(site.stays for _, site in sites(config)):
        yield "method: the grain of both sites is none and method.layers=1, so nothing would be pruned"


def reference(config: Config) -> Iterator[str]:
    """What no reference can say."""
    yield from problems_of(config.reference)


def processes_share(config: Config) -> Iterator[str]:
    """Examples that the processes of a run cannot share equally."""
    if config.schedule.batch_size % (number := distributed.world_size()):
        yield (
            f"schedule.batch_size={config.schedule.batch_size}: the examples of a step cannot be shared equally by "
            f"{number} processes; say a multiple of {number}, or start fewer"
        )
