"""Values: ranges, targets, durations, and what contradicts what."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, is_dataclass
from operator import attrgetter
from typing import Any, get_args, get_origin

from prune.compaction.tokens import rising
from prune.config import keys
from prune.config.durations import in_steps
from prune.config.keys import flatten, kinds
from prune.config.metadata import Range
from prune.config.reference import problems_of
from prune.config.schema import Config, Finish, SpeedReference, TokenOperator
from prune.config.targets import given
from prune.files.limits import problem_of
from prune.inference.needs import runtime_problems
from prune.masking.grains import GRAINS
from prune.pipeline.method import unread_settings
from prune.runtime import distributed
from prune.runtime.sanitize import shown
from prune.runtime.wording import counted
from prune.validation.names import method_or_none, sites


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
    """Numbers outside the range that the schema gives them."""
    for key, bounds in keys.ranges().items():
        if not key.startswith("target."):
            yield from _out_of_range(key, attrgetter(key)(config), bounds)
    for name in ("batch_sizes", "generation_batch_sizes"):
        if not getattr(config.evaluate.speed, name):
            yield f"evaluate.speed.{name}=[]: name at least one batch size"


def _out_of_range(key: str, value: Any, bounds: Range) -> Iterator[str]:
    optional = ", or null" if type(None) in get_args(kinds()[key]) else ""
    for number in value if isinstance(value, list) else [value]:
        if number is not None and number not in bounds:
            yield f"{key}={shown(number)}: must be {bounds}{optional}"


def method(config: Config) -> Iterator[str]:
    """Settings that a method does not read, though others do."""
    known, defaults = method_or_none(config), Config()
    criteria = {site.criterion for _, site in sites(config) if not site.stays}
    if known and known.one_criterion and len(criteria) > 1:
        yield (
            f"method.attention.criterion={shown(config.method.attention.criterion)} and method.feed_forward.criterion="
            f"{shown(config.method.feed_forward.criterion)}: {config.method.kind} compares the grains of both sites; "
            "set one criterion for both"
        )
    if known is None:
        return
    for name, readers in unread_settings(config):
        if (value := getattr(config.method, name)) != getattr(defaults.method, name):
            given_value = "" if is_dataclass(value) else f"={shown(getattr(value, 'value', value))}"
            yield f"method.{name}{given_value}: not read by {config.method.kind}, but by {', '.join(readers)}"
    if not known.has_teacher and config.teacher not in ("dense", "none"):
        yield (
            f"teacher={shown(config.teacher)}: {config.method.kind} trains without a teacher, as the dense model is "
            "trained, so that they compare; say none"
        )
    yield from known.problems(config)


def shape(config: Config) -> Iterator[str]:
    """Shapes of another form, or that nobody would give a model."""
    shapes, known = config.method.shape, method_or_none(config)
    if not shapes or known is None:
        return
    steps = config.method.removal_steps if known.scores_units else 1
    if len(shapes) != steps or not all(map(_is_shape, shapes)):
        yield (
            f"method.shape={shown(shapes)}: must list {counted(steps, 'mapping')} {{attention: [numbers of heads], "
            "feed_forward: [numbers of dimensions]}"
        )
    if not given(config):
        yield "method.shape: needs the target that it was chosen for, such as target.speedup=2"


def _is_shape(value: Any) -> bool:
    if not isinstance(value, dict) or value.keys() != {"attention", "feed_forward"}:
        return False
    return all(isinstance(counts, list) and all(type(n) is int for n in counts) for counts in value.values())


def target(config: Config) -> Iterator[str]:
    """Targets that contradict each other, the method, or reason."""
    targets, known = given(config), method_or_none(config)
    if targets and known and not known.takes_target:
        yield f"target.{next(iter(targets))}: not read by {config.method.kind}; its settings say how much goes"
        return
    named = " and ".join(f"target.{kind}" for kind in targets)
    if len(targets) > 1 or (known and known.needs_target and not targets):
        yield (
            f"method={config.method.name} needs one target ({named or 'none'} given): density, params, speedup or "
            "latency_ms, as in target.speedup=2.5 or target.speedup=[2,3,4]"
        )
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
    for kind, values in targets.items():
        bounds = keys.ranges()[f"target.{kind}"]
        for value in values:
            if isinstance(value, bool) or not isinstance(value, (int, float)) or value not in bounds:
                yield f"target.{kind}={shown(value)}: must be {bounds}, or a list of such values"
        if not values:
            yield f"target.{kind}=[]: name at least one value"


def durations(config: Config) -> Iterator[str]:
    """Durations that cannot be read, or leave nothing of the training."""
    schedule = config.schedule
    named = {"warmup": schedule.warmup, "cooldown": schedule.cooldown, "checkpoint_every": schedule.checkpoint_every}
    named |= {name: value for name in ("fill_warmup", "eval_every") if (value := getattr(schedule, name)) is not None}
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


def budget(config: Config) -> Iterator[str]:
    """Two budgets, or one for a training that does not take place."""
    given_budgets = {
        f"schedule.{name}={value:g}"
        for name in ("budget_flops", "budget_seconds")
        if (value := getattr(config.schedule, name)) is not None
    }
    named = " and ".join(sorted(given_budgets))
    if len(given_budgets) > 1:
        yield f"{named}: one of them decides how many steps there are; leave out the other"
    if given_budgets and config.model.dense:
        yield f"{named}: model.dense={shown(config.model.dense)} is trained already; leave out one of them"
    if config.schedule.dense_epochs == 0:
        method = method_or_none(config)
        if given_budgets:
            yield f"{named}: with schedule.dense_epochs=0 the unpruned model is not trained; leave out one of them"
        if method is not None and not method.has_teacher:
            yield (
                f"schedule.dense_epochs=0: the trainings of method={config.method.name} are as long as the dense "
                "model's; say how long"
            )
        if not config.model.pretrained:
            yield "schedule.dense_epochs=0: with model.pretrained=false the unpruned model is random; say how long"


def layers(config: Config) -> Iterator[str]:
    """Layers to learn from that no teacher has."""
    if config.distillation.alpha_layers > 0 and config.teacher == "none":
        yield f"distillation.alpha_layers={config.distillation.alpha_layers}: teacher=none has no layers to learn from"


def tokens(config: Config) -> Iterator[str]:
    """Poolings without layers or shares, in no order, or of a network that keeps its shape."""
    pooling = config.method.tokens
    if pooling.operator is TokenOperator.none:
        for name in ("after", "keep"):
            if value := getattr(pooling, name):
                yield f"method.tokens.{name}={shown(value)}: read with method.tokens.operator only; say which"
        return
    said = f"method.tokens.after={shown(pooling.after)}, keep={shown(pooling.keep)}"
    if not pooling.after or len(pooling.after) != len(pooling.keep):
        yield f"{said}: say after which layers, as in [2], and the fraction of tokens that goes on, as in [0.5]"
    elif not (rising(pooling.after) and pooling.after[0] >= 1 and rising([-share for share in pooling.keep])):
        yield f"{said}: layers must rise, from 1, and fractions fall"
    if config.method.finish is Finish.fold:
        yield "method.tokens: with method.finish=fold nothing is removed; say compact or fill"
    if config.distillation.alpha_layers > 0:
        yield "method.tokens: distillation.alpha_layers compares layers token by token; set it to 0"


def length(config: Config) -> Iterator[str]:
    """Texts of no length."""
    asked = config.evaluate.speed.length
    if asked not in (None, "real") and not _is_whole(asked):
        yield f"evaluate.speed.length={shown(asked)}: must be a whole number from 1, real, or null"


def runtime(config: Config) -> Iterator[str]:
    """Runtimes that are not installed, or cannot run what is asked of them."""
    yield from runtime_problems(config.evaluate.speed)
    if config.evaluate.speed.reference is SpeedReference.torch and config.target.speedup is None:
        yield "evaluate.speed.reference=torch: says what target.speedup is over, and none is given"


def _is_whole(value: Any) -> bool:
    return type(value) is int and value >= 1


def rounding(config: Config) -> Iterator[str]:
    """Rounding to no number, or where there is nothing to round."""
    round_to = config.compact.round_to
    if not _is_whole(round_to) and round_to != "auto":
        yield f"compact.round_to={shown(round_to)}: must be a whole number from 1, or auto"
    whole_units = [name for name, grain in GRAINS.items() if grain.whole_units]
    if config.compact.round_to != 1 and not any(site.grain in whole_units for _, site in sites(config)):
        yield (
            f"compact.round_to={config.compact.round_to}: nothing would be rounded, since {config.method.name} removes "
            f"parts of heads and dimensions; it needs the grain {' or '.join(whole_units)} at one site"
        )


def nothing(config: Config) -> Iterator[str]:
    """A method that would leave everything as it is."""
    method = config.method
    pools = method.tokens.operator is not TokenOperator.none
    if method.layers == 1 and not pools and all(site.stays for _, site in sites(config)):
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
