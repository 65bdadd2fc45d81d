"""What the stages of one run share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from prune.budget.budget import Budget
from prune.budget.shape import check_shape
from prune.config.schema import Config, SpeedReference, TokenOperator
from prune.config.targets import target_of
from prune.errors import UserError
from prune.inference.runtimes import LABELS, label_of
from prune.models import loading
from prune.pipeline.examples import Examples, read_examples
from prune.pipeline.learning import Learning
from prune.pipeline.method import method_of
from prune.pipeline.networks import Networks, check_lengths, describe_networks
from prune.pipeline.probes import Probe, read_probes
from prune.pipeline.solving import budget_of
from prune.pipeline.task import task_of
from prune.results.layout import RunFolder, run_folder
from prune.runtime import distributed, library_output, registry
from prune.runtime.memory import keep_few_kernels
from prune.runtime.screen import Screen


@dataclass(frozen=True)
class Experiment:
    """One run: its config, its examples, its models, its trainings, and the budget that its target allows."""

    config: Config
    folder: RunFolder
    screen: Screen
    examples: Examples
    networks: Networks
    learning: Learning
    probes: Sequence[Probe] = ()
    solved_budget: Budget | None = None
    """Where there is a target, once `with_budget` has found it."""

    @property
    def budget(self) -> Budget:
        """What the target allows; asked for by methods that have one."""
        assert self.solved_budget is not None, "with_budget was not called"
        return self.solved_budget

    @property
    def setting(self) -> str:
        """What decides how hard the method prunes, as the table shows it."""
        return setting_of(self.config)

    @property
    def needs_budget(self) -> bool:
        """Whether a target decides about its units, and not a shape that was chosen before."""
        method = method_of(self.config)
        given = self.config.method.shape and method.scores_units
        return target_of(self.config) is not None and method.has_budget and not given

    def with_budget(self) -> Experiment:
        """The same, with what its target allows: measures latencies where that is a time.

        Raises:
            UserError: if the target cannot be reached.
        """
        return replace(self, solved_budget=budget_of(self.config, self.examples, self.networks, self.screen))

    def with_config(self, config: Config) -> Experiment:
        """The same examples and teacher under other settings of the method, or of the fill.

        Raises:
            UserError: if its models cannot be what the settings ask for.
        """
        networks = describe_networks(config, self.examples.task, self.networks.pad_token_id)
        folder = run_folder(config)
        learning = replace(self.learning, config=config, networks=networks, folder=folder)
        return replace(self, config=config, folder=folder, networks=networks, learning=learning, solved_budget=None)


def prepare(config: Config, folder: RunFolder, screen: Screen) -> Experiment:
    """Reads and checks data and models' configs, before any weights are touched."""
    keep_few_kernels()
    experiment = distributed.main_process_first(lambda: _read(config, folder, screen))
    _check_runtime(config, experiment.examples)
    for shape in config.method.shape:
        check_shape(shape, experiment.networks.sublayers)
    if config.schedule.budget_flops is not None:
        experiment.learning.settings.dense  # noqa: B018  # raises where the budget allows no step
    experiment.learning.rows  # noqa: B018  # raises where task.weights is no audit of these examples
    method_of(config).check(experiment)
    return experiment


def _check_runtime(config: Config, examples: Examples) -> None:
    """Raises a UserError for a runtime that models are converted for where answers are texts that they generate."""
    runtime = config.evaluate.speed.runtime
    if runtime not in LABELS and examples.task.generation():
        raise UserError(
            f"evaluate.speed.runtime={runtime.value}: texts cannot be generated in it yet, as task.kind="
            f"{config.task.kind} does; say runtime=torch"
        )


def _read(config: Config, folder: RunFolder, screen: Screen) -> Experiment:
    library_output.libraries()
    task = task_of(config)
    loading.config_of_run(config.model)
    task.read_model(config.model.dense or config.model.path)
    tokenizer = loading.tokenizer(config.model.path)
    networks = describe_networks(config, task, tokenizer.pad_token_id)
    examples = read_examples(config, task, tokenizer, screen)
    check_lengths(networks.dense_config, examples.features)
    learning = Learning(config, examples, networks, folder, screen)
    return Experiment(config, folder, screen, examples, networks, learning, read_probes(config, task))


def setting_of(config: Config) -> str:
    """What decides how hard the method prunes: the target, or else penalty and density; and whole layers and tokens."""
    method = config.method
    if (said := method_of(config).setting) is not None:
        return said(config)
    whole = [f"layers {method.layers:g}"] if method.layers < 1 else []
    pooling = method.tokens
    if pooling.operator is not TokenOperator.none:
        whole.append(f"tokens {' / '.join(f'{share:g}' for share in pooling.keep)} by {pooling.operator.value}")
    if label := label_of(config.evaluate.speed.runtime):
        whole.append(label)
    if (target := target_of(config)) is not None:
        over = " over eager" if config.evaluate.speed.reference is SpeedReference.torch and target.is_time else ""
        return ", ".join([f"{target}{over}", *whole])
    used = {
        registry.module("criteria", site.criterion).CRITERION.setting
        for site in (method.attention, method.feed_forward)
        if not site.stays
    }
    settings = [
        f"density {method.density:g}" if kind == "density" else f"penalty {method.penalty:g}"
        for kind in sorted({"density" if kind == "density" else "penalty" for kind in used})
    ]
    return ", ".join(settings + whole)
