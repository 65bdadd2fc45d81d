"""One job of a sweep, as Hydra calls it, wherever its launcher has put it."""

from __future__ import annotations

import gc
import json
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from prune.composition.command_line import Command
from prune.composition.compose import typed
from prune.config.schema import Config, SearchConfig
from prune.errors import UserError
from prune.files.atomic import write_at_once
from prune.pipeline.method import runs_of
from prune.results.layout import RunFolder, SweepFolder, run_folder
from prune.results.reading import NewerRecord
from prune.results.record import Record, finished
from prune.results.unfinished import reason_of
from prune.runtime import distributed
from prune.runtime.screen import WAITING, Screen
from prune.runtime.wording import times_faster
from prune.sweeps import devices, search

USER_ERROR, INTERRUPTED = 2, 130
_SECONDS_BETWEEN_LOOKS = 1.0


@dataclass(frozen=True)
class Note:
    """How one run of a sweep went."""

    label: str
    """What sets it apart from the others, as words."""
    words: list[str]
    """What carries it out alone."""
    folder: str
    """Its run folder; empty where its config was refused."""
    reason: str | None = None
    """Why it failed; None: its record is there."""
    details: str | None = None
    """The file that says more about it."""

    @property
    def command(self) -> str:
        return "prune " + shlex.join(self.words)

    @property
    def record(self) -> Record:
        """What it gave, where it did not fail."""
        return Record.read(RunFolder(Path(self.folder)).record)


@dataclass(frozen=True)
class Jobs:
    """What Hydra calls with each job's config. Goes to other processes, so it holds plain data only."""

    command: Command
    folder: SweepFolder
    numbers: dict[str, int]
    """Run folder -> number of the run; those of a search follow from the job."""
    total: int
    call: Callable[[Config], Record]
    """Carries one run out in this process."""
    apart: bool = False
    """Whether each run is a process of its own, whose crash is its own, and which says what it says into a file."""
    gpus: Sequence[str] = ()
    """What the processes have to share among them; none where a launcher gives each its own."""
    at_once: int = 1
    """How many processes share the cores of this machine."""

    def __call__(self, composed: DictConfig) -> Any:
        """Carries out the runs of a job; returns what a search asked for, of the last of them."""
        words = list(HydraConfig.get().overrides.task)
        label = " ".join(self.command.as_typed([word for word in words if word not in self.command.fixed]))
        sought: SearchConfig = OmegaConf.to_object(composed.search)  # type: ignore[assignment]
        record = None
        try:
            config = replace(typed(composed, words), search=SearchConfig())
        except UserError as error:
            self._write(self._number(""), Note(label, self.command.as_typed(words), "", " ".join(str(error).split())))
        else:
            for one, own in runs_of(config):
                replaced = tuple(word.partition("=")[0] for word in own)
                kept = [word for word in words if word.partition("=")[0] not in replaced]
                record = self._run(one, " ".join([label, *own]), self.command.as_typed([*kept, *own]))
        values = search.objective_values(sought, record)
        return values if len(values) > 1 else values[0]

    def _run(self, config: Config, label: str, words: list[str]) -> Record | None:
        """The run's record, unless it failed; leaves a note either way."""
        run, screen = run_folder(config), Screen()
        number = self._number(str(run.path))
        head = f"{number}/{self.total}  {label}"
        note = Note(label, words, str(run.path.resolve()))
        is_there, record = False, None
        try:
            record = None if config.force else _read(run)
            is_there = record is not None
            if record is None:
                screen.say(head)
                self._execute(config, words, number)
                record = _read(run)
            if record is None:
                raise Failure(f"{run.record} is not there, or is damaged; the command below makes it again")
            if is_there or self.apart:
                result = f"{record.metric} {record.spec.format_value(record.value)}"
                when = "was" if is_there else "is"
                screen.say(f"{head}  {when} finished: {result}, {times_faster(record.speedup)}")
        except Failure as failure:
            note = replace(note, reason=failure.reason, details=failure.details)
            screen.warn(f"{head}  failed: {note.reason}")
        self._write(number, note)
        return record

    def _execute(self, config: Config, words: list[str], number: int) -> None:
        """Leaves a record.

        Raises:
            Failure: if it does not.
        """
        if self.apart:
            with devices.one_of(self.gpus) as gpu:
                variables = devices.share_of_cores(self.at_once) | ({devices.VISIBLE: gpu} if gpu else {})
                error, log = run_folder(config).error, self.folder.log(number)
                _in_a_process(words, error, log, variables, partial(_relay, f"{number}/{self.total}"))
            return
        try:
            self.call(config)
        except UserError as error:
            raise Failure(" ".join(str(error).split())) from None
        except Exception as error:
            if distributed.world_size() > 1:
                raise  # the others wait for this one, and are ended with it
            raise Failure(reason_of(error), str(run_folder(config).error)) from None
        finally:
            gc.collect()  # models of a failed run, held by its traceback

    def _number(self, folder: str) -> int:
        return self.numbers.get(folder, int(HydraConfig.get().job.num) + 1)

    def _write(self, number: int, note: Note) -> None:
        if distributed.is_main_process():
            write_at_once(self.folder.note(number), json.dumps(asdict(note), indent=1) + "\n")


class Failure(Exception):
    """A run that left no record."""

    def __init__(self, reason: str, details: str | None = None):
        super().__init__(reason)
        self.reason, self.details = reason, details


def _read(run: RunFolder) -> Record | None:
    """Its record; None where that is not there, or is damaged: the run says so itself."""
    try:
        return finished(run.record, warn=lambda _: None)
    except NewerRecord as error:
        raise Failure(str(error)) from None


def _relay(head: str, line: str) -> None:
    """Tells what a run that says all into a file waits for."""
    if WAITING in line:
        Screen().say(f"{head}  {line.strip()}")


def _in_a_process(
    words: list[str], error: Path, log: Path, variables: dict[str, str], heard: Callable[[str], None]
) -> None:
    """Carries out a command in a process; `error` is where its run leaves why it failed.

    `heard` takes each line that it says.
    """
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)} | variables
    with log.open("w", encoding="utf-8") as stream:
        line = [sys.executable, "-m", "prune", *words, "report=false"]  # the sweep makes one for all
        with subprocess.Popen(line, stdout=stream, stderr=stream, env=environment) as process:
            code = _followed(process, log, heard)
    if code == INTERRUPTED:
        raise KeyboardInterrupt
    if code == USER_ERROR:
        said = re.split(r"^prune: ", log.read_text("utf-8", errors="replace"), flags=re.MULTILINE)[-1]
        raise Failure(" ".join(said.split()), str(log))
    if code < 0:
        reason = f"its process was ended by {signal.Signals(-code).name}"
        write_at_once(error, f"{reason}\n")
        raise Failure(reason, str(log))
    if code:
        known = error.exists()
        reason = error.read_text("utf-8").splitlines()[0] if known else f"its process ended with code {code}"
        raise Failure(reason, str(error if known else log))


def _followed(process: subprocess.Popen[bytes], log: Path, heard: Callable[[str], None]) -> int:
    """The exit code of a process that writes into `log`; one that is left alone is ended."""
    try:
        with log.open(encoding="utf-8", errors="replace") as lines:
            while True:
                try:
                    return process.wait(timeout=_SECONDS_BETWEEN_LOOKS)
                except subprocess.TimeoutExpired:
                    for line in lines:
                        heard(line)
    except BaseException:
        process.kill()
        raise
