"""Training: the order of the data, checkpoints, and losses that are not finite."""

import math
import shutil
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from datasets import Dataset
from rich.console import Console

from prune.config.schema import DistillationConfig, Precision
from prune.errors import UserError
from prune.runtime.screen import Screen
from prune.training import callbacks
from prune.training.checkpoints import last_good_checkpoint
from prune.training.distillation import TrainingData, with_teacher
from prune.training.sampler import LengthGrouped
from prune.training.trainer import Evaluation, Training, train


class Heard(Screen):
    """A screen that keeps what it is told."""

    def __init__(self):
        super().__init__(Console(quiet=True))
        self.said, self.warned = [], []

    def say(self, text):
        self.said.append(text)

    def warn(self, text):
        self.warned.append(text)


LENGTHS = [3, 9, 4, 7, 5, 6, 3, 8] * 12


def order(seed, epoch):
    sampler = LengthGrouped(4, LENGTHS, seed)
    sampler.epoch = epoch
    return list(sampler)


def test_an_order_follows_from_seed_and_epoch():
    assert order(0, 2) == order(0, 2)


def test_the_next_epoch_and_another_seed_have_another_order():
    orders = [order(0, 0), order(0, 1), order(1, 0)]
    assert all(one != other for one, other in pairwise([*orders, orders[0]]))


def test_every_example_is_seen_once_an_epoch():
    assert sorted(order(0, 3)) == list(range(len(LENGTHS)))


def test_a_batch_holds_inputs_of_similar_length():
    batches = torch.tensor(order(0, 0)).view(-1, 4).tolist()
    spreads = [max(LENGTHS[i] for i in batch) - min(LENGTHS[i] for i in batch) for batch in batches]
    assert sum(spreads) / len(spreads) < 1.5


# Training itself: a tiny BERT of tests/conftest.py on sixteen inputs


def collate(rows):
    longest = max(len(row["input_ids"]) for row in rows)
    batch = {
        "input_ids": torch.tensor([row["input_ids"] + [0] * (longest - len(row["input_ids"])) for row in rows]),
        "labels": torch.tensor([row["labels"] for row in rows]),
    }
    if "teacher_logits" in rows[0]:
        batch["teacher_logits"] = torch.tensor([row["teacher_logits"] for row in rows])
    return batch


@pytest.fixture
def features():
    generator = torch.Generator().manual_seed(0)
    lengths = [3 + i % 4 for i in range(16)]
    every = torch.cat([torch.randperm(50, generator=generator), torch.randint(0, 50, (22,), generator=generator)])
    ids = [some.tolist() for some in every.split(lengths)]
    return Dataset.from_dict({"input_ids": ids, "labels": [i % 2 for i in range(16)], "length": list(map(len, ids))})


@pytest.fixture
def fit(features, tmp_path):
    """Trains a model in `tmp_path`; returns the history and the screen."""

    def run(model, masks=None, ramp=None, rows=features, **values):
        settings = {
            "name": "dense", "steps": 8, "warmup": 1, "checkpoint_every": 2, "batch_size": 4, "learning_rate": 1e-3,
            "score_learning_rate": 1e-1, "weight_decay": 0.0, "precision": Precision.float32, "seed": 0,
        } | values  # fmt: skip
        screen, folder = Heard(), tmp_path / "checkpoints"
        torch.manual_seed(0)
        setting = Training(**settings)
        history = train(model, TrainingData(rows), collate, setting, DistillationConfig(), folder, screen, masks, ramp)
        return SimpleNamespace(history=[line for line in history if "loss" in line], screen=screen)

    run.folder = tmp_path / "checkpoints"
    return run


def weights(model):
    return {name: value.clone() for name, value in model.state_dict().items()}


def same(one, other):
    return all(torch.equal(one[name], other[name]) for name in one)


def test_training_lowers_the_loss_and_logs_every_step(make_bert, fit):
    history = fit(make_bert(), steps=80, learning_rate=1e-2, checkpoint_every=80).history
    assert [line["step"] for line in history] == list(range(1, 81))
    assert sum(line["loss"] for line in history[-4:]) < sum(line["loss"] for line in history[:4])


@pytest.mark.parametrize(("steps", "times"), [(8, 8), (45, 15), (60, 20)])
def test_free_memory_is_given_back_at_most_twenty_times(steps, times, make_bert, fit, monkeypatch):
    trims = []
    monkeypatch.setattr(callbacks, "trim", lambda: trims.append(1))
    fit(make_bert(), steps=steps, checkpoint_every=100)
    assert len(trims) == times


def test_the_same_seed_trains_the_same_model(make_bert, fit, tmp_path):
    one, other = make_bert(), make_bert()
    fit(one, checkpoint_every=100)
    (tmp_path / "checkpoints").rename(tmp_path / "away")
    fit(other, checkpoint_every=100)
    assert same(weights(one), weights(other))


def test_the_loss_is_the_sum_of_its_terms(make_bert, mask, fit, features):
    teacher = features.add_column("teacher_logits", [[1.0, -1.0]] * 16)
    model = make_bert()
    history = fit(model, mask(model, penalty=3.0), lambda step: step / 8, rows=teacher).history
    for line in history:
        terms = [line[f"{name}_loss"] for name in ("labels", "teacher", "penalty") if f"{name}_loss" in line]
        assert line["loss"] == pytest.approx(sum(terms), rel=1e-5)
    assert "teacher_loss" in history[0]
    assert history[-1]["penalty_loss"] > 0


def test_scores_have_their_own_learning_rate(make_bert, mask, fit):
    model = make_bert()
    masks = mask(model, penalty=3.0)
    before = weights(model)
    fit(model, masks, lambda _: 0.5, learning_rate=1e-12, score_learning_rate=0.1)
    moved = {name for name, value in weights(model).items() if (value - before[name]).abs().max() > 1e-6}
    assert moved
    assert all("scores" in name for name in moved)


def test_what_the_teacher_says_stands_beside_each_example(features):
    logits = [np.float32([i, -i]) for i in range(16)]
    rows = with_teacher(features, {"logits": logits})
    assert rows["teacher_logits"] == [[float(i), float(-i)] for i in range(16)]
    assert rows["input_ids"] == features["input_ids"]


def test_a_teacher_may_say_something_of_each_token(features):
    starts, ends = ([np.full(n, sign * n, np.float32) for n in features["length"]] for sign in (1, -1))
    rows = with_teacher(features, {"start_logits": starts, "end_logits": ends})
    assert features["length"][:3] == [3, 4, 5]
    assert rows["teacher_start_logits"][:3] == [[3.0] * 3, [4.0] * 4, [5.0] * 5]
    assert rows["teacher_end_logits"][:3] == [[-3.0] * 3, [-4.0] * 4, [-5.0] * 5]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The checkpoints of a whole training, and the weights that it ended with, once there are any."""
    return SimpleNamespace(folder=tmp_path_factory.mktemp("finished") / "checkpoints", weights={})


@pytest.fixture
def interrupted(make_bert, fit, finished):
    """Leaves the last two checkpoints of a training of eight steps; returns the weights that it ended with."""
    if finished.weights:
        shutil.copytree(finished.folder, fit.folder)
    else:
        model = make_bert()
        fit(model, steps=8)
        shutil.copytree(fit.folder, finished.folder)
        finished.weights.update(weights(model))
    assert sorted(path.name for path in fit.folder.glob("checkpoint-*")) == ["checkpoint-6", "checkpoint-8"]
    return finished.weights


def test_training_goes_on_from_its_last_checkpoint(make_bert, fit, interrupted):
    for file in (fit.folder / "checkpoint-8").iterdir():
        file.unlink()
    (fit.folder / "checkpoint-8").rmdir()
    model = make_bert(seed=1)
    found = fit(model)
    assert "going on from step 6" in found.screen.said[0]
    assert [line["step"] for line in found.history] == list(range(1, 9))
    assert same(weights(model), interrupted)


def test_the_random_states_of_all_processes_must_be_whole(make_bert, fit, interrupted):
    last = fit.folder / "checkpoint-8"
    (last / "rng_state.pth").rename(last / "rng_state_0.pth")
    (last / "rng_state_1.pth").write_bytes((last / "rng_state_0.pth").read_bytes())
    assert last_good_checkpoint(fit.folder, pytest.fail) == last
    (last / "rng_state_1.pth").write_bytes(b"")
    warned = []
    assert last_good_checkpoint(fit.folder, warned.append) == fit.folder / "checkpoint-6"
    assert "rng_state_1.pth" in warned[0]


@pytest.mark.parametrize(
    "name", ["model.safetensors", "optimizer.pt", "scheduler.pt", "trainer_state.json", "rng_state.pth"]
)
@pytest.mark.parametrize("damage", ["cut", "empty", "noise", "gone"])
def test_a_corrupt_checkpoint_is_passed_over_with_a_message(fit, interrupted, name, damage):
    spoil(fit.folder / "checkpoint-8" / name, damage)
    warned = []
    assert last_good_checkpoint(fit.folder, warned.append) == fit.folder / "checkpoint-6"
    (warning,) = warned
    assert "checkpoint-8 is corrupt" in warning
    assert name in warning


def spoil(file, damage):
    content = file.read_bytes()
    if damage == "gone":
        file.unlink()
    else:
        file.write_bytes({"cut": content[: len(content) // 2], "empty": b"", "noise": b"\x00\xff" * 500}[damage])


@pytest.mark.parametrize(("name", "damage"), [("model.safetensors", "cut"), ("rng_state.pth", "gone")])
def test_training_goes_on_from_the_checkpoint_before_a_corrupt_one(make_bert, fit, interrupted, name, damage):
    spoil(fit.folder / "checkpoint-8" / name, damage)
    model = make_bert(seed=1)
    found = fit(model)
    assert "checkpoint-8 is corrupt" in found.screen.warned[0]
    assert "going on from step 6" in found.screen.said[0]
    assert same(weights(model), interrupted)


def test_without_a_good_checkpoint_training_begins_anew(make_bert, fit, interrupted):
    for file in fit.folder.glob("checkpoint-*/model.safetensors"):
        file.write_bytes(b"")
    model = make_bert()
    found = fit(model)
    assert len(found.screen.warned) == 2
    assert not any("going on" in line for line in found.screen.said)
    assert same(weights(model), interrupted)


def test_no_checkpoint_is_no_problem(tmp_path):
    assert last_good_checkpoint(tmp_path / "nowhere", print) is None


def test_what_is_no_checkpoint_is_left_alone(tmp_path):
    (tmp_path / "checkpoint-new").mkdir()
    (tmp_path / "notes").mkdir()
    assert last_good_checkpoint(tmp_path, print) is None
    assert len(list(tmp_path.iterdir())) == 2


def test_the_newest_checkpoint_is_that_of_the_highest_step(make_bert, fit, tmp_path):
    fit(make_bert(), steps=12, checkpoint_every=3)
    assert last_good_checkpoint(fit.folder, print).name == "checkpoint-12"


def test_a_loss_that_is_not_finite_names_step_and_term(make_bert, fit):
    model = make_bert()
    with torch.no_grad():
        model.classifier.weight[0, 0] = math.nan
    with pytest.raises(UserError) as error:
        fit(model)
    assert "not finite at step 1 of dense (labels nan)" in str(error.value)
    assert "schedule.learning_rate" in str(error.value)


def test_only_the_term_that_is_not_finite_is_named(make_bert, mask, fit):
    model = make_bert()
    masks = mask(model, penalty=math.inf)
    with pytest.raises(UserError, match=r"\(penalty inf\)"):
        fit(model, masks, lambda _: 1.0)


def test_a_learning_rate_beyond_reason_is_told_at_its_step(make_bert, fit):
    with pytest.raises(UserError, match=r"not finite at step [2-8] of dense"):
        fit(make_bert(), learning_rate=1e30)


def test_the_last_checkpoint_is_kept_when_the_loss_is_not_finite(make_bert, mask, fit):
    model = make_bert()
    masks = mask(model, penalty=1.0)

    def ramp(step):
        return math.nan if step >= 5 else 0.5

    with pytest.raises(UserError, match="at step 6"):
        fit(model, masks, ramp)
    assert last_good_checkpoint(fit.folder, print).name == "checkpoint-4"


# Evaluations in between


def evaluated(model, features, folder, **values):
    """What is logged of a training of eight steps, evaluated after every third."""
    setting = Training(
        "dense", 8, 1, 2, 4, 1e-3, 1e-1, 0.0, Precision.float32, seed=0, dropout=0.2, **({"eval_every": 3} | values)
    )
    torch.manual_seed(0)
    asked = []

    def measure():
        torch.rand(3)  # as loaders draw their seeds
        asked.append(model.state_dict()["classifier.weight"].clone())
        return {"accuracy": 0.1 * len(asked)}

    evaluation = Evaluation(measure, frozenset({49})) if setting.eval_every else None
    distillation, heard, data = DistillationConfig(), Heard(), TrainingData(features)
    history = train(
        model,
        data,
        collate,
        setting,
        distillation,
        folder,
        heard,
        evaluation=evaluation,
        flops_until=lambda n: 10.0 * n,
    )
    return history, asked


def test_evaluations_are_logged_with_the_compute_and_the_time_until_then(make_bert, features, tmp_path):
    model = make_bert()
    history, asked = evaluated(model, features, tmp_path / "checkpoints")
    found = [entry for entry in history if "eval_accuracy" in entry]
    assert [(entry["step"], entry["flops"]) for entry in found] == [(3, 30.0), (6, 60.0), (8, 80.0)]
    assert [entry["eval_accuracy"] for entry in found] == pytest.approx([0.1, 0.2, 0.3])
    seconds = [entry["seconds"] for entry in history]
    assert seconds == sorted(seconds)
    assert 0 < seconds[0] < seconds[-1]
    assert torch.equal(asked[-1], model.state_dict()["classifier.weight"])
    assert not torch.equal(asked[0], asked[1])


def test_evaluations_change_nothing_in_a_training(make_bert, features, tmp_path):
    """Dropout draws the same numbers."""
    with_them, without = make_bert(), make_bert()
    without.load_state_dict(with_them.state_dict())
    evaluated(with_them, features, tmp_path / "with")
    evaluated(without, features, tmp_path / "without", eval_every=None)
    for name, value in weights(without).items():
        assert torch.allclose(value, with_them.state_dict()[name], atol=1e-7), name


def test_a_training_that_is_taken_up_again_goes_on_counting(make_bert, features, tmp_path):
    start = weights(make_bert())
    histories = []
    for name, first in (("whole", ()), ("in parts", (5,))):
        model = make_bert()
        for stop_after in (*first, None):
            model.load_state_dict(start)
            history, _ = evaluated(model, features, tmp_path / name, stop_after=stop_after)
        histories.append([(entry["step"], entry["flops"]) for entry in history if "eval_accuracy" in entry])
        assert [entry["seconds"] for entry in history] == sorted(entry["seconds"] for entry in history)
    whole, in_parts = histories
    assert [entry for entry in in_parts if entry[0] not in (5,)] == whole
