"""Impossible values, found in the composed config before data or weights are touched, and reported all together."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prune import discovery, processes
from prune.assignments import is_name
from prune.config import NO_GRAIN, AnswersConfig, Config, SiteConfig, Start, SummariesConfig
from prune.durations import in_steps
from prune.errors import ConfigErrors
from prune.places import locate
from prune.reference import problems_of
from prune.targets import ONE_SHOT, given

if TYPE_CHECKING:
    from prune.families import Family
    from prune.sublayers import Sublayer

GRAINS = {
    "element": "both sites", "block": "both sites", "row": "both sites", "column": "both sites",
    "head": "attention", "dimension": "feed_forward",
}  # fmt: skip
"""Names of prune/masking/grains.py, which needs torch; a test holds the two together."""
METRICS = {
    "summarization": ("rouge1", "rouge2", "rougeL", "rougeLsum"),
    "text_classification": ("accuracy", "f1"),
    "question_answering": ("f1", "exact_match"),
    "question_answering, unanswerable": ("f1", "exact", "best_f1", "best_exact"),
}
"""Names of prune/tasks/metrics/, likewise, by the kind of task; a third party's kind checks its own."""
TRACKERS = ("tensorboard", "wandb", "mlflow")
"""Names of prune/training/tracking.py, likewise; the packages are called the same."""


def check(config: Config) -> None:
    """Raises ConfigErrors with every problem that can be seen without data or weights.

    torch and transformers are loaded for the last two checks only, where all others have found nothing.
    """
    parts = (
        _names,
        _ranges,
        _processes,
        _tracking,
        _target,
        _nothing,
        _layers,
        _rounding,
        _task,
        _durations,
        _folders,
        _family,
        _reference,
    )
    problems = [problem for part in parts for problem in part(config)] or [*_scores(config), *_blocks(config)]
    if problems:
        raise ConfigErrors(problems)


def _reference(config: Config) -> Iterator[str]:
    yield from problems_of(config.reference)


def _sites(config: Config) -> Iterator[tuple[str, SiteConfig]]:
    yield "attention", config.method.attention
    yield "feed_forward", config.method.feed_forward


def _names(config: Config) -> Iterator[str]:
    kinds = [("task.kind", "tasks", config.task.kind), ("method.kind", "methods", config.method.kind)]
    for key, folder, name in kinds:
        yield from _one_of(key, name, discovery.names(folder))
    for name, site in _sites(config):
        one_shot = config.method.kind == ONE_SHOT
        criteria = ["fisher"] if one_shot else discovery.names("criteria")
        grains = [grain for grain, where in GRAINS.items() if where == name or (where == "both sites" and not one_shot)]
        yield from _one_of(f"method.{name}.criterion", site.criterion, criteria)
        yield from _one_of(f"method.{name}.grain", site.grain, [*grains, NO_GRAIN])
    for key, label in (("model", config.model.name), ("task", config.task.name), ("method", config.method.name)):
        if not is_name(label):
            yield f"{key}.name={label}: a name is part of the run folder's: letters, digits, `_`, `-` and `.` only"
    for split in (config.task.train_split, *config.task.eval_splits):
        if not is_name(split):
            yield f"task: the split {split} is part of a file's name: letters, digits, `_`, `-` and `.` only"
    for key, names in (("task.metrics", config.task.metrics), ("task.eval_splits", config.task.eval_splits)):
        if not names:
            yield f"{key}=[]: name at least one"
    kind = config.task.kind + (", unanswerable" if config.task.answers.unanswerable else "")
    for metric in config.task.metrics:
        yield from _one_of("task.metrics", metric, list(METRICS.get(kind, config.task.metrics)))
    yield from _one_of("evaluate.speed.dtype", config.evaluate.speed.dtype, ["float32", "bfloat16"])
    yield from _one_of("evaluate.speed.device", config.evaluate.speed.device, ["auto", "cpu", "cuda"])
    for key, value in (("model.path", config.model.path), ("task.path", config.task.path)):
        if not value:
            yield f"{key} is empty: name a local folder or a hub name"


def _nothing(config: Config) -> Iterator[str]:
    if config.method.layers == 1 and all(site.stays for _, site in _sites(config)):
        yield "method: the grain of both sites is none and method.layers=1, so nothing would be pruned"


def _processes(config: Config) -> Iterator[str]:
    if config.schedule.batch_size % (number := processes.started()):
        yield (
            f"schedule.batch_size={config.schedule.batch_size}: the examples of a step cannot be shared equally by "
            f"{number} processes; say a multiple of {number}, or start fewer"
        )


def _tracking(config: Config) -> Iterator[str]:
    for name in config.tracking:
        yield from _one_of("tracking", name, list(TRACKERS))
    if missing := [name for name in TRACKERS if name in config.tracking and find_spec(name) is None]:
        yield f"tracking=[{','.join(missing)}] needs {', '.join(missing)}: pip install 'prune[tracking]'"


def _layers(config: Config) -> Iterator[str]:
    if config.distillation.alpha_layers > 0 and config.teacher == "none":
        yield f"distillation.alpha_layers={config.distillation.alpha_layers}: teacher=none has no layers to learn from"


def _target(config: Config) -> Iterator[str]:
    targets, one_shot = given(config), config.method.kind == ONE_SHOT
    named = " and ".join(f"target.{kind}" for kind in targets)
    if len(targets) > 1 or (one_shot and not targets):
        yield (
            f"method={config.method.name} needs one target ({named or 'none'} given): density, params, speedup or "
            "latency_ms, as in target.speedup=2.5 or target.speedup=[2,3,4]"
        )
    if one_shot and config.method.layers != 1:
        yield f"method.layers={config.method.layers}: not read by {ONE_SHOT}, which removes whole sublayers by itself"
    if targets and config.compact.round_to != 1:
        yield f"compact.round_to={config.compact.round_to}: not read where there is a target, from which widths follow"
    scattered = [name for name, site in _sites(config) if site.grain == "element"]
    if scattered and targets.keys() - {"density"}:
        yield (
            f"{named}: not to be had by method.{scattered[0]}.grain=element, whose zeros are scattered and make "
            "nothing smaller or faster; say target.density, or another grain"
        )
    ranges = {"density": (0.0, 1.0), "params": (0.0, 1.0), "speedup": (1.0, math.inf), "latency_ms": (0.0, math.inf)}
    for kind, values in targets.items():
        low, high = ranges[kind]
        allowed = f"above {low:g}" + (f", below {high:g}" if math.isfinite(high) else "")
        for value in values:
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not low < value < high:
                yield f"target.{kind}={value}: must be {allowed}, or a list of such values"
        if not values:
            yield f"target.{kind}=[]: name at least one value"


def _rounding(config: Config) -> Iterator[str]:
    if config.compact.round_to != 1 and not any(site.grain in ("head", "dimension") for _, site in _sites(config)):
        yield (
            f"compact.round_to={config.compact.round_to}: nothing would be rounded, since {config.method.name} removes "
            "parts of heads and dimensions; it needs the grain head or dimension at one site"
        )


def _one_of(key: str, value: str, allowed: list[str]) -> Iterator[str]:
    if value not in allowed:
        yield f"{key}={value}: not known{discovery.nearest(value, allowed)}. Allowed: {', '.join(allowed)}"


def _ranges(config: Config) -> Iterator[str]:
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
    for name, site in _sites(config):
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
            yield f"{key}={value}: must be {allowed}"
    for name in ("batch_sizes", "generation_batch_sizes"):
        if not getattr(speed, name):
            yield f"evaluate.speed.{name}=[]: name at least one batch size"


def _task(config: Config) -> Iterator[str]:
    """What each kind of task asks of its fields."""
    task, answers = config.task, config.task.answers
    if task.kind == "text_classification":
        if not 1 <= len(task.text) <= 2:
            yield f"task.text={task.text}: name one or two text columns"
        if len(task.labels) < 2:
            yield f"task.labels={task.labels}: name at least two labels, in the order of their integers"
    if task.kind == "question_answering":
        if len(task.text) != 2:
            yield f"task.text={task.text}: name two columns, with the question and with the text"
        for name in ("question_length", "n_best", "max_tokens"):
            if (value := getattr(answers, name)) < 1:
                yield f"task.answers.{name}={value}: must be above 0"
        room = task.max_length - answers.question_length - 3  # special tokens
        if not 0 <= answers.stride < room:
            yield (
                f"task.answers.stride={answers.stride}: must be at least 0 and below {room}, what task.max_length="
                f"{task.max_length} leaves beside a question of task.answers.question_length={answers.question_length}"
            )
    elif answers != AnswersConfig():
        yield f"task.answers: read by question_answering only, not by task.kind={task.kind}"
    if task.kind == "summarization":
        yield from _summaries(config)
    elif task.summaries != SummariesConfig():
        yield f"task.summaries: read by summarization only, not by task.kind={task.kind}"


def _summaries(config: Config) -> Iterator[str]:
    task, summaries, speed = config.task, config.task.summaries, config.evaluate.speed
    if len(task.text) != 1:
        yield f"task.text={task.text}: name the column with the text"
    for name in ("num_beams", "max_new_tokens", "max_label_length"):
        if (value := getattr(summaries, name)) < 1:
            yield f"task.summaries.{name}={value}: must be above 0"
    if not 0 <= summaries.min_new_tokens <= summaries.max_new_tokens:
        allowed = f"at least 0, at most task.summaries.max_new_tokens={summaries.max_new_tokens}"
        yield f"task.summaries.min_new_tokens={summaries.min_new_tokens}: must be {allowed}"
    if summaries.no_repeat_ngram_size < 0:
        yield f"task.summaries.no_repeat_ngram_size={summaries.no_repeat_ngram_size}: must be at least 0"
    for name in ("generated_length", "generation_pairs"):
        if (value := getattr(speed, name)) < 1:
            yield f"evaluate.speed.{name}={value}: must be above 0"


def _durations(config: Config) -> Iterator[str]:
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


def _folders(config: Config) -> Iterator[str]:
    named = {"model.path": config.model.path, "task.path": config.task.path}
    if config.model.dense:
        named["model.dense"] = config.model.dense
    if config.teacher not in ("dense", "none"):
        named["teacher"] = config.teacher
    for key, name in named.items():
        folder = locate(name)
        if folder is not None and not folder.is_dir():
            yield f"{key}={name}: there is no such folder"
        elif folder is not None and key != "task.path" and (key != "model.path" or config.model.pretrained):
            yield from _weights(key, name, folder)
    for key in ("teacher", "model.dense") if config.task.kind == "text_classification" else ():
        shape = _local_shape(named[key]) if key in named else None
        labels = len((shape or {}).get("id2label") or {}) or 2
        if shape is not None and labels != len(config.task.labels):
            task = f"the task {config.task.name} has {len(config.task.labels)}"
            yield f"{key}={named[key]}: it knows {labels} labels, {task}; name a model of the same task"


def _weights(key: str, name: str, folder: Path) -> Iterator[str]:
    """Pickles are refused before anything is read; where there are no weights at all, loading says so."""
    pickles = sorted(file.name for suffix in ("bin", "pt", "pth", "ckpt") for file in folder.glob(f"*.{suffix}"))
    if pickles and not any(folder.glob("*.safetensors")):
        yield (
            f"{key}={name}: its weights are a pickle ({pickles[0]}), which could run code, and are not read; save them "
            "as safetensors, as save_pretrained does"
        )


def _family(config: Config) -> Iterator[str]:
    if (shape := _local_shape(config.model.path)) is not None:
        try:
            family: Family = discovery.module("families", str(shape.get("model_type"))).FAMILY
        except discovery.UnknownPart as error:
            yield f"model.path={config.model.path}: model_type {error}"
            return
        if config.method.layers < 1 and not any(stack.depth for stack in family.stacks):
            yield f"method.layers={config.method.layers}: no layer of {shape['model_type']} can be left out; say 1"


def _scores(config: Config) -> Iterator[str]:
    """What is asked of the scores; criteria know whether they can, which needs torch."""
    starts, shrinks = config.schedule.start_from is Start.one_shot, config.compact.during_training
    if config.method.kind == ONE_SHOT:
        if shrinks:
            yield f"compact.during_training=true: not read by {ONE_SHOT}, which trains what is compacted already"
        return
    for name, site in _sites(config) if starts or shrinks else ():
        if site.stays:
            continue
        criterion = discovery.module("criteria", site.criterion).CRITERION
        if starts and not criterion.learned:
            yield (
                f"schedule.start_from=one_shot: method.{name}.criterion={site.criterion} learns no scores that could "
                "start from anything; say dense, or another criterion"
            )
        if shrinks and criterion.setting == "density":
            yield (
                f"compact.during_training=true: method.{name}.criterion={site.criterion} keeps a share of what there "
                "is, and there would be less and less; use soft_movement or l0"
            )


def _blocks(config: Config) -> Iterator[str]:
    """Whether blocks divide all matrices: their sizes are those of the model's code, which needs transformers."""
    blocks = {name: site.block for name, site in _sites(config) if site.grain == "block"}
    if not blocks or _local_shape(config.model.path) is None:
        return
    from prune.anatomy import skeleton, sublayers_of
    from prune.models import config_of

    sublayers = sublayers_of(skeleton(config_of(config.model.path)))
    for name, block in blocks.items():
        yield from _block(name, block, sublayers)


def _block(name: str, block: list[int], sublayers: list[Sublayer]) -> Iterator[str]:
    if len(block) != 2 or min(block) < 1:
        yield f"method.{name}.block={block}: must be two numbers above 0, rows and columns"
        return
    for matrix in (m for s in sublayers if s.site == name for m in s.matrices):
        if matrix.rows % block[0] or matrix.columns % block[1]:
            where = f"{matrix.module}, which is {matrix.rows} x {matrix.columns}"
            yield f"method.{name}.block={block}: does not divide {where}"
            return


def _local_shape(name: str) -> dict[str, Any] | None:
    """config.json of a local model folder; None for a hub name, or where it cannot be read (found later)."""
    folder = locate(name)
    try:
        return None if folder is None else dict(json.loads((folder / "config.json").read_text()))
    except (OSError, ValueError):
        return None
