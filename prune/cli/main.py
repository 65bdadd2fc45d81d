"""The command line: finds the command, and shows help and errors. Imports nothing heavy."""

from __future__ import annotations

import errno
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from prune import __version__
from prune.cli import commands
from prune.config.keys import GROUPS, choices
from prune.errors import UserError
from prune.files.paths import shipped
from prune.runtime import distributed, streams
from prune.runtime.registry import nearest
from prune.runtime.resources import exhausted
from prune.runtime.sanitize import for_terminal, shown

USER_ERROR = 2
_PATIENCE = 60.0
"""Seconds after which a process speaks that is not the first."""
_WIDTH = 47
_FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command `prune` with `arguments` (default: the process's own)."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    with streams.safe():
        try:
            _refuse_no_folder()
            _dispatch(words)
            streams.settle()
        except UserError as error:
            _fail(error)
        except KeyboardInterrupt:
            if distributed.is_main_process():
                print("\ninterrupted: the same command goes on from the last checkpoint", file=sys.stderr)
            sys.exit(130)
        except Exception as error:
            if (explained := _of_machine(error)) is None:
                raise
            _fail(explained)


def _of_machine(error: Exception) -> UserError | None:
    """What to tell where the machine cannot do what is asked, whatever asked it."""
    if isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG:
        return UserError(f"{shown(error.filename)}: no file has so long a name")
    if isinstance(error, OSError) and error.errno in _FORBIDDEN:
        named = shown(str(error.filename)) if error.filename else "a file"
        return UserError(f"{named}: {error.strerror}. Name another folder, or get the right to read and write there")
    return exhausted(error)


def _refuse_no_folder() -> None:
    try:
        Path.cwd()
    except OSError as error:
        raise UserError(f"the folder that this was called in is gone ({error.strerror}): cd to another") from error


def _dispatch(words: list[str]) -> None:
    known = commands.names()
    if not words or words[0] == "help" or {"--help", "-h"} & set(words):
        print(_help())
    elif words[0] == "--version":
        print(f"prune {__version__}")
    elif words[0] in known:
        commands.module(words[0]).run_command(words[1:])
    elif "=" not in words[0] and not words[0].startswith(("-", "+", "~")):
        command = shown(words[0])
        raise UserError(f"{command!r} is not a command{nearest(words[0], known)}: {', '.join(known)}, or key=value")
    else:
        commands.module("run").run_command(words)


def _fail(error: UserError) -> NoReturn:
    if not distributed.is_main_process():
        time.sleep(_PATIENCE)  # until this process is ended, since the first has failed, too, and has said why
    lines = for_terminal(str(error)).splitlines()
    print(
        "\n".join(f"prune: {line}" if index == 0 else f"       {line}" for index, line in enumerate(lines)),
        file=sys.stderr,
    )
    sys.exit(USER_ERROR)


def _help() -> str:
    groups = "\n".join(f"  {group + '=':<10} {', '.join(choices(group))}" for group in GROUPS)
    usages = [usage for name in commands.names() for usage in commands.module(name).USAGE]
    of_commands = "\n".join(f"  {command:<{_WIDTH}}{meaning}" for command, meaning in usages)
    return f"""\
prune {__version__}: makes transformers small and fast while it fine-tunes them.

One run trains, prunes, compacts, fills, evaluates, and enters its result in a table:

  prune task=sst2 method=hybrid_filled
  prune recipe=sst2/minilm_one_shot target.speedup=3               a model three times as fast
  prune -m task=sst2 method=hybrid,struct method.penalty=20,60     a sweep: every combination
  prune -m hydra/launcher=joblib task=sst2 seed=1,2,3              the same, several at once; also submitit_slurm
  prune -m hydra/sweeper=optuna task=sst2 search.min_speedup=2     a search: metric against speed-up
  prune recipe=demo                                                what ships with the package, in about a minute

Groups and their choices:
{groups}
  recipe=    a name that `prune recipes` lists, or the path of a .yaml file
  without a choice: model=bert_base task=sst2 method=hybrid_filled schedule=standard

Any value of the config is set by key=value, for example:
  model.path=<folder>        a local folder instead of the hub       task.path=<folder>   likewise
  method.penalty=20          how hard soft_movement and l0 prune     method.density=0.3   the share that others keep
  task.train_examples=20000  a subset drawn by the seed              seed=1               another replicate
  schedule.epochs=3          how long masks are trained              outputs=<folder>     where results go
  teacher=none               no distillation                         force=true           run it again

{of_commands}
  {"prune --cfg job [key=value ...]":<{_WIDTH}}shows the whole config, composed
  {'eval "$(prune -sc install=bash)"':<{_WIDTH}}tab completion (also zsh, fish)

Configs: {shipped("configs")}"""


if __name__ == "__main__":
    main()
