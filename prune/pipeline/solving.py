"""The budget that the target of a run allows, with latencies measured on real batches where it is a time."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import torch

from prune.budget.budget import Budget, Kept, size_budget, time_budget
from prune.budget.cost_model import latency_cost_models
from prune.budget.latency_table import measured_latency_table, measured_ratio
from prune.compaction.depth import shallower_config
from prune.config.schema import Config, Finish
from prune.config.targets import Target, target_of
from prune.measure.rounding import fastest_multiple
from prune.measure.speed import speed_batches, speed_device
from prune.pipeline.examples import Examples
from prune.pipeline.networks import Networks
from prune.pipeline.serving import serving_of
from prune.runtime import distributed
from prune.runtime.screen import Screen


def budget_of(config: Config, examples: Examples, networks: Networks, screen: Screen) -> Budget:
    """What the target of `config`, which has one, allows.

    Raises:
        UserError: if it cannot be reached.
    """
    target = target_of(config)
    assert target is not None
    sites = {"attention": config.method.attention, "feed_forward": config.method.feed_forward}
    unpruned = frozenset(name for name, site in sites.items() if site.stays)
    if target.is_time:
        return _time_budget(target, unpruned, config, examples, networks, screen)
    return size_budget(
        target,
        networks.dense_sublayers,
        networks.sublayers,
        unpruned,
        networks.task.auto_class,
        networks.dense_config,
        filled=config.method.finish is Finish.fill,
    )


def _time_budget(
    target: Target, unpruned: frozenset[str], config: Config, examples: Examples, networks: Networks, screen: Screen
) -> Budget:
    speed, auto_class, shape = config.evaluate.speed, networks.task.auto_class, networks.dense_config
    last = replace(speed, batch_sizes=speed.batch_sizes[-1:])
    with_decoder = bool(shape.is_encoder_decoder and networks.task.generation())
    serving = serving_of(config, examples, with_decoder=with_decoder)
    batches = next(speed_batches(examples.evaluation, examples.tokenizer, last, serving.device, with_decoder))
    report = partial(screen.stage, "plan")
    table = distributed.broadcast_from_main(lambda: measured_latency_table(auto_class, shape, batches, serving, report))
    own = shallower_config(shape, networks.depth)
    measured = partial(
        measured_ratio, auto_class, shape, own, batches, serving, networks.first_token_only, networks.pooling
    )

    def ratio(kept: Kept, pairs: int) -> float:
        return distributed.broadcast_from_main(lambda: measured(kept, pairs))

    shares = networks.pooling.shares(networks.sublayers)
    cost_models = latency_cost_models(
        table, networks.dense_sublayers, networks.sublayers, networks.first_token_only, shares
    )
    shallower = len(networks.sublayers) < len(networks.dense_sublayers)
    return time_budget(
        target,
        cost_models,
        networks.sublayers,
        unpruned,
        table.dense_ms,
        ratio,
        screen.say,
        shallower=shallower,
        reference=table.reference_ms,
    )


def width_multiple(config: Config, networks: Networks, screen: Screen) -> int:
    """What widths are rounded up to a multiple of: `compact.round_to`, measured where it is `auto`."""
    if (asked := config.compact.round_to) != "auto":
        return int(asked)
    speed = config.evaluate.speed
    widest = max((m for s in networks.sublayers for m in s.inputs), key=lambda m: m.rows)
    device, dtype = speed_device(speed.device), getattr(torch, speed.dtype)
    multiple = fastest_multiple(widest.columns, widest.rows, device, dtype, screen.say)
    screen.say(f"         compact.round_to=auto: widths are rounded up to multiples of {multiple}")
    return multiple
