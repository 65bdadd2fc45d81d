"""The command: verbs, composition, errors as a person wants to read them. Imports nothing heavy."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from prune import __version__
from prune.assignments import GROUPS, choices
from prune.errors import UserError
from prune.places import shipped

if TYPE_CHECKING:
    from prune.config import Config
    from prune.report.record import Record

USER_ERROR = 2
EXPORT_FORMATS = ("onnx", "onnx_int8", "torch", "plain")
"""Names of prune/exporting.py, which needs torch; a test holds the two together."""
_VERBS = ("run", "plan", "table", "score", "inspect", "export", "bench")


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command `prune` with `arguments` (default: the process's own)."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        _dispatch(words)
    except UserError as error:
        _fail(error)
    except KeyboardInterrupt:
        print("\ninterrupted: the same command goes on from the last checkpoint", file=sys.stderr)
        sys.exit(130)


def _dispatch(words: list[str]) -> None:
    if not words or words[0] in ("--help", "-h", "help"):
        print(_help())
    elif words[0] == "--version":
        print(f"prune {__version__}")
    elif words[0] == "table":
        _table(words[1:])
    elif words[0] == "plan":
        _plan(words[1:])
    elif words[0] == "score":
        _score(words[1:])
    elif words[0] == "inspect":
        _inspect(words[1:])
    elif words[0] == "export":
        _export(words[1:])
    elif words[0] == "bench":
        _bench(words[1:])
    else:
        if words[0] == "run":
            words = words[1:]
        elif "=" not in words[0] and not words[0].startswith(("-", "+", "~")):
            from prune.discovery import nearest

            raise UserError(
                f"{words[0]!r} is no verb{nearest(words[0], list(_VERBS))}: {', '.join(_VERBS)}, or key=value"
            )
        _compose_and_run(words)


def _compose_and_run(words: list[str]) -> None:
    from prune.composition import compose_and_call

    records = compose_and_call(words, _carry_out)
    if len(records) > 1:
        from prune.report.table import as_rich

        _print_wide(as_rich(records))


def _carry_out(config: Config) -> Record:
    """One run, its row of the table, and where everything lies."""
    from prune.experiment import run
    from prune.outputs import RESULTS_CSV, RESULTS_MD, run_folder
    from prune.report.table import as_rich, write_tables
    from prune.training.progress import Screen

    screen = Screen()
    record = run(config, screen)
    _, problems = write_tables(Path(config.outputs))
    for problem in [*record.warnings, *problems]:
        screen.warn(problem)
    _print_wide(as_rich([record]))
    folder, outputs = run_folder(config), Path(config.outputs)
    screen.say(f"   model  {folder.model}")
    screen.say(f"  record  {folder.record}")
    screen.say(f"  recipe  {folder.recipe}")
    screen.say(f"  tables  {outputs / RESULTS_MD}, {outputs / RESULTS_CSV}")
    return record


def _plan(words: list[str]) -> None:
    """`prune plan [key=value ...]`: which shapes reach the targets, before any training."""
    from prune.composition import compose_and_call

    def carry_out(config: Config) -> Any:
        from prune.planning import plan
        from prune.training.progress import Screen

        return plan(config, Screen())

    chosen = [] if any(word.startswith("method=") for word in words) else ["method=one_shot"]
    plans = compose_and_call([*chosen, *words], carry_out)
    from prune.planning import as_rich

    _print_wide(as_rich(plans))


def _score(words: list[str]) -> None:
    """`prune score task=... predictions=file.json [null_odds=file.json]`: prints metrics as JSON."""
    from prune.composition import compose_and_call

    files = dict(word.split("=", 1) for word in words if word.startswith(("predictions=", "null_odds=")))
    if "predictions" not in files:
        raise UserError("prune score: name the file to score with predictions=<file.json>: an object, id -> answer")

    def carry_out(config: Config) -> Any:
        from prune.scoring import score

        return score(config, files["predictions"], files.get("null_odds"))

    rest = [word for word in words if word.split("=", 1)[0] not in files]
    for scored in compose_and_call(rest, carry_out):
        print(json.dumps(scored.scores, indent=1))


def _inspect(words: list[str]) -> None:
    """`prune inspect <folder>`: what a person who was handed a model wants to know."""
    if len(words) != 1:
        raise UserError("prune inspect: name one folder, of a pruned model or of the run that made it")
    from prune import quiet
    from prune.inspection import as_rich, inspect

    quiet.libraries()
    _print_wide(as_rich(inspect(Path(words[0]))))


def _export(words: list[str]) -> None:
    """`prune export run=<folder> format=<format>`: the result of a run in another format, compared and measured."""
    given = dict(word.split("=", 1) for word in words if "=" in word)
    if set(given) != {"run", "format"} or len(words) != len(given):
        raise UserError(f"prune export: say run=<folder of a finished run> format=<{' or '.join(EXPORT_FORMATS)}>")
    form = given["format"]
    if form not in EXPORT_FORMATS:
        from prune.discovery import nearest

        raise UserError(
            f"format={form}: not known{nearest(form, list(EXPORT_FORMATS))}. Allowed: {', '.join(EXPORT_FORMATS)}"
        )
    from prune.exporting import export
    from prune.outputs import RunFolder
    from prune.report.table import as_rich
    from prune.training.progress import Screen

    screen, run = Screen(), RunFolder(Path(given["run"]))
    _print_wide(as_rich([export(run, form, screen)]))
    screen.say(f"   model  {run.exported(form)}")


def _bench(words: list[str]) -> None:
    """`prune bench published [key=value ...]`: the published networks, timed here."""
    if not words or words[0] != "published":
        raise UserError("prune bench: say what to time: prune bench published")
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    from prune.measure.published import PublishedBenchConfig, as_rich, bench
    from prune.training.progress import Screen

    try:
        given = OmegaConf.merge(OmegaConf.structured(PublishedBenchConfig), OmegaConf.from_dotlist(words[1:]))
        config: Any = OmegaConf.to_object(given)
    except OmegaConfBaseException as error:
        raise UserError(f"prune bench published: {str(error).splitlines()[0]}") from error
    screen = Screen()
    _print_wide(as_rich(bench(config, screen.say)))
    screen.say(f"  written  {config.output}")


def _table(words: list[str]) -> None:
    """`prune table [folder]`: writes results.csv and results.md anew and shows the table."""
    from prune.report.table import as_rich, write_tables
    from prune.training.progress import Screen

    folder = Path(words[0] if words else "outputs")
    if not folder.is_dir():
        raise UserError(f"{folder}: there is no such folder. Name the outputs folder: prune table <folder>")
    records, problems = write_tables(folder)
    for problem in problems:
        Screen().warn(problem)
    if not records:
        raise UserError(f"{folder} holds no finished run")
    _print_wide(as_rich(list(records.values())))


def _print_wide(table: Any) -> None:
    from rich.console import Console

    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=120)
    console.print(table)


def _fail(error: UserError) -> NoReturn:
    lines = str(error).splitlines()
    print(
        "\n".join(f"prune: {line}" if index == 0 else f"       {line}" for index, line in enumerate(lines)),
        file=sys.stderr,
    )
    sys.exit(USER_ERROR)


def _help() -> str:
    from prune import recipes

    groups = "\n".join(f"  {group + '=':<10} {', '.join(choices(group))}" for group in GROUPS)
    return f"""\
prune {__version__}: makes transformers small and fast while it fine-tunes them.

One run trains, prunes, fills, compacts, evaluates, and enters its result in a table:

  prune task=sst2 method=hybrid_filled
  prune -m task=sst2 method=hybrid,struct method.penalty=20,60     a sweep: every combination
  prune recipe=demo                                                what ships with the package, in two minutes

Groups and their choices:
{groups}
  recipe=    {", ".join(recipes.names())}, or the path of a .yaml file

Any value of the config is set by key=value, for example:
  model.path=<folder>        a local folder instead of the hub       task.path=<folder>   likewise
  method.penalty=20          how hard soft_movement and l0 prune     method.density=0.3   how hard the others do
  task.train_examples=20000  a subset drawn by the seed              seed=1               another replicate
  schedule.epochs=3          how long                                outputs=<folder>     where results go
  teacher=none               no distillation                         force=true           carry a run out anew

  prune --cfg job [key=value ...]    shows the whole config, composed
  prune plan target.speedup=2 [key=value ...]    which shapes reach a target here, and how long the run will take
  prune table [folder]               the table over all results
  prune inspect <folder>             what a pruned model is: sizes, heads and dimensions per layer, origin, score
  prune export run=<folder> format=onnx    the result of a run for other runtimes: {", ".join(EXPORT_FORMATS)}
  prune bench published              the networks of the literature, rebuilt and timed on this machine
  prune score task=squad predictions=<file.json>    the metrics of predictions alone (an object: id -> answer)
  eval "$(prune -sc install=bash)"   tab completion (also zsh, fish)

Configs: {shipped("configs")}"""


if __name__ == "__main__":
    main()
