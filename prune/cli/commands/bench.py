"""`prune bench`: the published networks, a run in every runtime, and sparse kernels, timed here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

from prune.cli.commands import display, given
from prune.cli.finished_run import config_with, speed_settings
from prune.errors import UserError
from prune.runtime.sanitize import shown

USAGE = (
    ("prune bench published", "the networks of the literature, rebuilt and timed on this machine"),
    ("prune bench runtimes run=<folder>", "the model of a run and the unpruned one in every runtime at hand"),
    ("prune bench sparse [model=<folder>]", "what sparse kernels give on this machine, beside compaction"),
)
_RUN, _OUTPUT = "run=", "outputs/bench/runtimes.json"


def run_command(words: list[str]) -> None:
    """Times what is asked for, writes a file, and shows the table."""
    if not words or words[0] not in _BENCHES:
        raise UserError(f"prune bench: say what to time: {' or '.join(f'prune bench {name}' for name in _BENCHES)}")
    _BENCHES[words[0]](words[1:])


def _published(words: list[str]) -> None:
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException
    from yaml import YAMLError

    from prune.composition.overrides import refuse_unreadable

    refuse_unreadable(words)
    from prune.files.atomic import check_writable
    from prune.published.benchmark import PublishedBenchConfig, as_rich, bench
    from prune.runtime.screen import Screen

    given("bench published", words, [field.name for field in fields(PublishedBenchConfig)])
    try:
        merged = OmegaConf.merge(OmegaConf.structured(PublishedBenchConfig), OmegaConf.from_dotlist(words))
        config: Any = OmegaConf.to_object(merged)
    except (OmegaConfBaseException, YAMLError, ValueError) as error:
        raise UserError(f"prune bench published: {shown(str(error).splitlines()[0])}") from error
    check_writable(str(Path(config.output).parent))
    screen = Screen()
    display(as_rich(bench(config, screen.say)))
    screen.say(f"  written  {config.output}")


def _runtimes(words: list[str]) -> None:
    named = [word.removeprefix(_RUN) for word in words if word.startswith(_RUN)]
    if len(named) != 1 or not named[0]:
        raise UserError("prune bench runtimes: say run=<folder of a finished run>")
    settings = speed_settings("prune bench runtimes", [word for word in words if not word.startswith(_RUN)])
    if odd := [key for key in settings if key.rpartition(".")[2] in ("runtime", "dtype", "reference")]:
        raise UserError(f"prune bench runtimes: {odd[0]}: it times all of them; leave it out")
    from prune.files.atomic import check_writable
    from prune.pipeline.runtime_comparison import compare_runtimes
    from prune.report.terminal.runtimes import runtimes_table
    from prune.results.layout import RunFolder
    from prune.results.record import record_of
    from prune.runtime.screen import Screen

    run, screen = RunFolder(Path(named[0])), Screen()
    config = config_with(record_of(run), run, settings)
    check_writable(str(Path(_OUTPUT).parent))
    display(runtimes_table(compare_runtimes(config, run, Path(_OUTPUT), screen)))
    screen.say(f"  written  {_OUTPUT}")


def _sparse(words: list[str]) -> None:
    values = given("bench sparse", words, ("model",))
    from prune.measure.sparse_kernels import compare_kernels, shape_of_layers
    from prune.report.terminal.kernels import kernels_table

    shape = shape_of_layers(values.get("model"))
    display(kernels_table(shape, list(compare_kernels(shape))))


_BENCHES: dict[str, Callable[[list[str]], None]] = {"published": _published, "runtimes": _runtimes, "sparse": _sparse}
