"""Runs of two seconds: the demo model on 256 examples of the demo task, one epoch each for dense and pruned."""

import atexit
import contextlib
import functools
import io
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import torch
from filelock import FileLock

from prune.cli import main
from prune.config.schema import ModelConfig
from prune.models import loading
from prune.models.architecture import sublayers_of
from prune.results.record import Record

TINY = (
    "model=demo", "schedule=demo", "schedule.epochs=1", "schedule.dense_epochs=1", "schedule.fill_epochs=0.5",
    "schedule.batch_size=8", "schedule.score_learning_rate=0.3", "schedule.checkpoint_every=1.0",
    "evaluate.speed.pairs=2", "evaluate.speed.batch_sizes=[1,2]", "report=false",
)  # fmt: skip
MASKED = ("method.penalty=1", "method.density=0.3", "method.attention.penalty_weight=0.05")
"""For methods that learn masks."""
_FEW = ("method.removal_steps=1", "method.importance_examples=32", "method.refit_tokens=400")
NEEDED = {
    "one_shot": lambda: ("target.density=0.3", *_FEW),
    "lottery_ticket": lambda: ("method.rounds=[1]", "method.rate=0.3"),
    "structured_ticket": lambda: ("method.rounds=[1]", "method.rate=0.3", "method.importance_examples=32"),
    "at_initialization": lambda: ("target.density=0.3",),
    "fixed_mask": lambda: (f"method.mask={masked_model()}",),
}
"""What a method cannot do without, and what makes it quick; of others `MASKED`."""
WORDS = ("task=demo", "task.train_examples=256", "task.eval_examples=64", *TINY)


@functools.cache
def masked_model():
    """The folder of a demo model of random weights, seven in ten of them zeros."""
    folder = tempfile.TemporaryDirectory(prefix="masked")
    atexit.register(folder.cleanup)
    torch.manual_seed(0)
    model = loading.random_model(ModelConfig(path="pkg://demo/model"), "AutoModelForSequenceClassification", {})
    for sublayer in sublayers_of(model):
        for matrix in sublayer.matrices:
            with torch.no_grad():
                matrix.weight(model.base_model).mul_(torch.rand(matrix.rows, matrix.columns) < 0.3)
    model.save_pretrained(folder.name)
    return folder.name


def call(*words, method="hybrid", run=WORDS):
    """Carries out the tiny run with `words` in this process: exit code, standard output, standard error."""
    return command(*run, f"method={method}", *NEEDED.get(method, lambda: MASKED)(), *words)


def command(*words):
    """The command `prune` with `words` in this process, on one thread."""
    threads, code = torch.get_num_threads(), 0
    torch.set_num_threads(1)
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
        try:
            main.main(list(words))
        except SystemExit as end:
            code = end.code
        finally:
            torch.set_num_threads(threads)
    return code, out.getvalue(), err.getvalue()


@dataclass(frozen=True)
class FinishedRuns:
    """The tiny run of each method, carried out once a session, when it is first asked for: tests get copies."""

    store: Path
    """One for all workers."""

    def copy(self, method, outputs):
        """Copies the outputs of the run of `method` to `outputs`; the run's folder there."""
        shutil.copytree(self._outputs_of(method), outputs, dirs_exist_ok=True)
        return folders(outputs)[method]

    def copy_dense(self, outputs):
        """Copies the fine-tuned unpruned model that all of them share to `outputs`."""
        shutil.copytree(self._outputs_of("struct") / "dense", outputs / "dense")

    def _outputs_of(self, method):
        """The outputs of a run, which is carried out now if it has not been."""
        outputs, done = self.store / method, self.store / f"{method}_is_finished"
        with FileLock(self.store / "lock"):
            if not done.exists():
                self._carry_out(method, outputs)
                done.touch()
        return outputs

    def _carry_out(self, method, outputs):
        others = sorted(self.store.glob("*_is_finished"))
        if others and not outputs.exists():
            name = others[0].name.removesuffix("_is_finished")
            shutil.copytree(self.store / name / "dense", outputs / "dense")
        code, _, err = call(f"outputs={outputs}", method=method)
        assert code == 0, err


def folders(outputs):
    """The folders of all finished runs, by method."""
    return {Record.read(file).method: file.parent for file in sorted(Path(outputs).glob("*/*/*/*/seed_*/record.json"))}
