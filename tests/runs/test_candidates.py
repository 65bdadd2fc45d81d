"""The best of several candidates is carried out, as if it had been asked for alone."""

import json

import pytest

from prune.results.record import Record
from tests.runs.tiny import call, folders

CANDIDATES = "method.candidates=[{layers:1},{layers:0.67},{tokens:{operator:mean_pool,after:[1],keep:[0.5]}}]"
SETTINGS = ("density 0.3", "density 0.3, layers 0.67", "density 0.3, tokens 0.5 by mean_pool")


@pytest.fixture(scope="module")
def chosen(tmp_path_factory):
    """The outputs folder of a run with candidates, and what it said."""
    outputs = tmp_path_factory.mktemp("outputs")
    code, _, err = call(CANDIDATES, "method.candidate_fill=0.5", f"outputs={outputs}", method="one_shot")
    assert code == 0, err
    return outputs, err


def test_the_candidate_with_the_least_loss_is_carried_out(chosen):
    outputs, said = chosen
    told = [line.split() for line in said.splitlines() if line.split()[:1] == ["loss"]]
    losses = [float(line[1]) for line in told]
    best = losses.index(min(losses))
    assert [line[-1] == "chosen" for line in told] == [number == best for number in range(len(SETTINGS))]
    assert Record.read(folders(outputs)["one_shot"] / "record.json").setting == SETTINGS[best]
    reports = [json.loads(file.read_text())["loss"] for file in outputs.glob("candidates/*/stage.json")]
    assert sorted(f"{loss:.4f}" for loss in reports) == sorted(f"{loss:.4f}" for loss in losses)


def test_nothing_but_the_loss_is_left_of_candidates(chosen):
    outputs, _ = chosen
    assert {file.name for file in outputs.glob("candidates/*/*")} == {"stage.json"}
    assert len(list(outputs.glob("*/*/*/*/seed_*.lock"))) == 1


def test_the_result_is_that_of_the_candidate_alone(chosen):
    outputs, _ = chosen
    record = Record.read(folders(outputs)["one_shot"] / "record.json")
    assert record.config["method"]["candidates"] == []
    settings = {"layers": record.config["method"]["layers"], "tokens": record.config["method"]["tokens"]}
    pooling = settings["tokens"]["operator"]
    words = [f"method.layers={settings['layers']}"]
    if pooling != "none":
        words += [f"method.tokens.{key}={value}" for key, value in settings["tokens"].items()]
    code, _, err = call(*words, f"outputs={outputs}", method="one_shot")
    assert code == 0
    assert "This run is finished" in err


def test_the_same_command_tries_nothing_again(chosen):
    outputs, first = chosen
    code, _, err = call(CANDIDATES, "method.candidate_fill=0.5", f"outputs={outputs}", method="one_shot")
    assert code == 0
    assert "candidate 1 of 3" in first
    assert "candidate 1 of 3" not in err
    assert "This run is finished" in err


def test_a_damaged_candidate_is_tried_again(chosen):
    outputs, _ = chosen
    report, *others = sorted(outputs.glob("candidates/*/stage.json"))
    before = {file: file.read_text() for file in (report, *others)}
    report.write_text(before[report].replace('"loss": ', '"loss": 1'))
    code, _, err = call(CANDIDATES, "method.candidate_fill=0.5", f"outputs={outputs}", method="one_shot")
    assert code == 0
    assert "the stage of" in err
    assert json.loads(report.read_text())["loss"] == pytest.approx(json.loads(before[report])["loss"])
    assert {file: file.read_text() for file in others} == {file: before[file] for file in others}


def test_a_candidate_that_cannot_reach_the_target_is_left_out(chosen):
    words = ("target.density=0.5", f"outputs={chosen[0]}")
    code, _, err = call("method.candidates=[{layers:0.34},{layers:0.67}]", *words, method="one_shot")
    assert code == 0
    assert "candidate 1 is left out: target.density=0.5" in " ".join(err.split())
    assert "with method.layers=0.67: chosen" in err


def test_candidates_that_all_cannot_be_are_an_error(chosen):
    words = ("target.density=0.5", f"outputs={chosen[0]}")
    code, _, err = call("method.candidates=[{layers:0.34}]", *words, method="one_shot")
    assert code == 2
    assert "method.candidates: none of them can be" in err
