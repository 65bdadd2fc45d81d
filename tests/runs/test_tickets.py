"""Whole runs under masks that stay: rounds that share what they can, every control, and rounds that are interrupted."""

import pytest
import torch
from safetensors.torch import load_file

from prune.results.record import Record, results_of
from prune.training import callbacks
from tests.runs.tiny import call, folders

TICKET, AT_START = "lottery_ticket", "at_initialization"
CONTROLS = {
    TICKET: ("random", "shuffled", "inverted", "reinitialised", "layers_permuted"),
    AT_START: ("shuffled", "inverted", "reinitialised"),
}
QUICK = {(TICKET, "random"), (TICKET, "layers_permuted"), (AT_START, "inverted")}


def records_in(outputs):
    """All records, by what decides how hard their runs prune."""
    files = outputs.glob("*/*/*/*/seed_*/record.json")
    return {(record := Record.read(file)).setting: record for file in files}


def zeros_of(folder):
    """The share of zeros of each matrix of the encoder of a saved model."""
    tensors = load_file(folder / "model" / "model.safetensors")
    return {
        name: (values == 0).float().mean().item()
        for name, values in tensors.items()
        if ".layer." in name and values.dim() == 2
    }


def without_places(record):
    results = results_of(record)
    results["config"].pop("outputs")
    return results


@pytest.fixture
def outputs(finished_runs, tmp_path):
    """With the dense model that all runs share."""
    finished_runs.copy_dense(tmp_path)
    return tmp_path


def test_each_round_is_a_row_and_a_later_command_goes_on_from_it(outputs):
    words = (f"outputs={outputs}", "method.rate=0.2")
    code, out, err = call(*words, "method.rounds=2", method=TICKET)
    assert code == 0, err
    assert "density 0.8" in out and "density 0.6" in out
    code, _, err = call(*words, "method.rounds=3", method=TICKET)
    assert code == 0, err
    assert err.count("This run is finished") == 2 and err.count("step 1/") == 1
    records = records_in(outputs)
    assert sorted(records) == ["density 0.4", "density 0.6", "density 0.8"]
    assert len(list(outputs.glob("tickets/*/stage.json"))) == 3
    for setting, record in records.items():
        density = float(setting.split()[1])
        assert record.linear_density == pytest.approx(density, abs=1e-5)
        assert record.scores_before_training.keys() == {"validation"}
        assert record.config["teacher"] == "none"
        assert set(record.seconds) >= {"dense", "round_1", "compact"}
    for folder in outputs.glob("*/*/lottery_ticket/*/seed_0"):
        density = Record.read(folder / "record.json").linear_density
        zeros = zeros_of(folder)
        assert sum(zeros.values()) / len(zeros) == pytest.approx(1 - density, abs=0.05)


@pytest.mark.parametrize(
    ("method", "control"),
    [
        pytest.param(method, control, marks=() if (method, control) in QUICK else pytest.mark.slow)
        for method, controls in CONTROLS.items()
        for control in controls
    ],
)
def test_every_control_is_a_run_with_a_row_of_its_own(method, control, outputs):
    code, _, err = call(f"outputs={outputs}", f"method.control={control}", method=method)
    assert code == 0, err
    (record,) = records_in(outputs).values()
    assert record.setting.endswith(control.replace("_", " "))
    density = 0.7 if method == TICKET else 0.3
    assert record.linear_density == pytest.approx(density, abs=1e-5)


class Interrupted(Exception):
    """What ends a round."""


@pytest.mark.parametrize("interrupted", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_an_interrupted_round_goes_on_and_gives_the_same_records(interrupted, finished_runs, tmp_path, monkeypatch):
    words = ("method.rounds=2", "method.rate=0.2", "schedule.checkpoint_every=0.2")
    sides = [tmp_path / "undisturbed", tmp_path / "disturbed"]
    for side in sides:
        finished_runs.copy_dense(side)
    assert call(*words, f"outputs={sides[0]}", method=TICKET)[0] == 0
    begun = 0
    original = callbacks.Trim.on_step_end

    def stop(self, args, state, control, **rest):
        nonlocal begun
        begun += state.global_step == 1
        if begun == interrupted and state.global_step == 20:
            raise Interrupted
        original(self, args, state, control, **rest)

    monkeypatch.setattr(callbacks.Trim, "on_step_end", stop)
    with pytest.raises(Interrupted):
        call(*words, f"outputs={sides[1]}", method=TICKET)
    monkeypatch.undo()
    code, _, err = call(*words, f"outputs={sides[1]}", method=TICKET)
    assert code == 0, err
    assert "going on from step" in err
    first, second = ({k: without_places(r) for k, r in records_in(side).items()} for side in sides)
    assert second == first


def test_a_ticket_is_carried_to_another_training(finished_runs, outputs):
    code, _, err = call(f"outputs={outputs}", "method.rate=0.4", method=TICKET)
    assert code == 0, err
    run = folders(outputs)[TICKET]
    code, _, err = call(f"outputs={outputs}", f"method.mask={run}", "schedule.epochs=0.5", method="fixed_mask")
    assert code == 0, err
    found = zeros_of(folders(outputs)["fixed_mask"])
    assert found == zeros_of(run)
    setting = Record.read(folders(outputs)["fixed_mask"] / "record.json").setting
    assert setting == "mask of demo, lottery_ticket, density 0.6"
    assert torch.tensor(list(found.values())).mean().item() == pytest.approx(0.4, abs=0.05)
