"""Whole runs, end to end, on a model and data that ship with the package."""

import json
import math
import os
from pathlib import Path

import pytest
import torch

import prune
from prune.composition.compose import compose_and_call
from prune.config.keys import choices
from prune.report.inspection import inspect
from prune.results.layout import run_folder
from prune.results.record import Record, results_of
from tests.runs import golden
from tests.runs.tiny import call, folders

METHODS = choices("method")
SCATTERED = ("unstructured", "lottery_ticket", "at_initialization", "fixed_mask")
REMOVING = [name for name in METHODS if name not in SCATTERED]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A folder in which every method has been run once, all with one dense model; what each run said."""
    folder = tmp_path_factory.mktemp("runs")
    before = Path.cwd()
    os.chdir(folder)
    try:
        said = {method: call(method=method) for method in METHODS}
    finally:
        os.chdir(before)
    return folder, said


@pytest.fixture
def finished(runs, monkeypatch):
    """The run folder of a method, in the folder of all runs."""
    folder, said = runs
    monkeypatch.chdir(folder)

    def found(method):
        code, _, err = said[method]
        assert code == 0, err
        return folders(folder / "outputs")[method]

    return found


@pytest.mark.parametrize("method", METHODS)
def test_every_method_leaves_a_record_and_all_its_files(finished, method):
    run = finished(method)
    record = Record.read(run / "record.json")
    assert (record.method, record.model, record.task) == (method, "demo", "demo")
    assert record.num_examples == {"train": 256, "validation": 64}
    assert 0 <= record.value <= 1
    assert 0 < record.linear_density < 1
    for name in ("config.json", "model.safetensors", "tokenizer.json"):
        assert (run / "model" / name).stat().st_size > 0
    assert (run / "recipe.yaml").stat().st_size > 0
    assert not list(run.rglob("checkpoint-*"))


@pytest.mark.parametrize("method", METHODS)
def test_the_loaded_model_is_the_one_that_was_measured(finished, method):
    run = finished(method)
    record, model = Record.read(run / "record.json"), prune.load(run / "model")
    assert sum(parameter.numel() for parameter in model.parameters()) == record.params
    assert record.bytes == (run / "model" / "model.safetensors").stat().st_size
    assert not model.training
    with torch.no_grad():
        logits = model(torch.arange(10).unsqueeze(0)).logits
    assert logits.shape == (1, 2)
    assert logits.isfinite().all()


@pytest.mark.parametrize("method", METHODS)
def test_compaction_changed_no_logit(finished, method):
    assert Record.read(finished(method) / "record.json").largest_logit_difference <= 1e-5


@pytest.mark.parametrize("method", REMOVING)
def test_a_structured_method_makes_the_model_smaller_on_disk(finished, method):
    record = Record.read(finished(method) / "record.json")
    assert record.linear_params < record.dense_linear_params
    assert record.params < record.dense_params
    assert record.bytes < record.dense_bytes
    assert sum(record.dimensions_kept) < 3 * 512
    assert all(speed["speedup_theoretical"] > 1 for speed in record.speed)


def test_the_counts_of_a_record_belong_together(finished):
    record = Record.read(finished("struct") / "record.json")
    left = sum(record.heads_kept) * 4 * 32 * 128 + sum(record.dimensions_kept) * 2 * 128
    assert record.linear_params == left
    assert record.linear_density == pytest.approx(left / record.dense_linear_params)
    assert record.dense_params - record.params == (
        record.dense_linear_params - left
        + (3 * 4 - sum(record.heads_kept)) * 3 * 32  # biases of query, key, value
        + (3 * 512 - sum(record.dimensions_kept))
    )  # fmt: skip


def test_unstructured_keeps_the_shape_and_its_density(finished):
    record = Record.read(finished("unstructured") / "record.json")
    assert record.linear_density == pytest.approx(0.3, abs=1e-3)
    assert record.linear_params == record.dense_linear_params
    assert (record.heads_kept, record.dimensions_kept) == ([4] * 3, [512] * 3)
    assert record.setting == "density 0.3"


def test_filling_frees_the_zeros_of_the_same_shape(finished):
    hybrid, filled = (Record.read(finished(name) / "record.json") for name in ("hybrid", "hybrid_filled"))
    assert filled.linear_density_before_fill == hybrid.linear_density
    assert (filled.heads_kept, filled.dimensions_kept) == (hybrid.heads_kept, hybrid.dimensions_kept)
    assert filled.linear_params == hybrid.linear_params
    assert filled.linear_density > hybrid.linear_density
    assert filled.linear_density == pytest.approx(filled.linear_params / filled.dense_linear_params)


def test_all_methods_share_one_dense_model_and_two_share_the_pruned_one(runs):
    folder, said = runs
    assert len(list(folder.glob("outputs/dense/*/stage.json"))) == 1
    trained = [*folder.glob("outputs/pruned/*/stage.json"), *folder.glob("outputs/tickets/*/stage.json")]
    assert len(trained) == len(METHODS) - 1
    assert sum("fine-tuning the unpruned model" in err for _, _, err in said.values()) == 1


@pytest.mark.parametrize("name", ["results.csv", "results.md"])
def test_the_tables_hold_every_run(finished, name):
    run = finished("hybrid")
    text = run.joinpath(*[".."] * 5, name).read_text()
    assert all(f"{method}," in text for method in METHODS)
    lines = len(METHODS) + (1 if name == "results.csv" else 5)
    assert len(text.splitlines()) == lines


def test_a_run_shows_its_row_and_where_its_files_are(runs, finished):
    _, out, err = runs[1]["struct"]
    assert "struct, penalty 1" in out
    assert str(finished("struct").relative_to(runs[0]) / "model") in err


def test_the_second_call_says_that_the_run_is_finished(finished):
    run = finished("hybrid")
    before = (run / "record.json").read_bytes()
    code, out, err = call()
    assert code == 0
    assert "This run is finished" in err
    assert "step" not in err
    assert "hybrid, penalty 1" in out
    assert (run / "record.json").read_bytes() == before


def test_its_own_recipe_finds_the_run_again(finished):
    run = finished("struct")
    seen = []

    def stop(config):
        seen.append(config)
        return Record.read(run / "record.json")

    compose_and_call([f"recipe={run / 'recipe.yaml'}"], stop)
    assert run_folder(seen[0]).path.absolute() == run


@pytest.fixture
def with_dense(finished_runs, alone):
    """A folder of its own, in which the unpruned model is fine-tuned already."""
    finished_runs.copy_dense(alone / "outputs")
    return alone


def without(name, record):
    """The results of a run without a part of its config."""
    results = results_of(record)
    results["config"].pop(name)
    return results


def test_the_same_command_elsewhere_gives_the_same_record(finished, finished_runs, alone):
    here, elsewhere = finished("hybrid_filled"), finished_runs.copy("hybrid_filled", alone / "outputs")
    first, second = (Record.read(run / "record.json") for run in (here, elsewhere))
    assert first.config["outputs"] != second.config["outputs"]
    assert without("outputs", second) == without("outputs", first)


def test_another_seed_is_another_run(finished, alone):
    first = Record.read(finished("struct") / "record.json")
    os.chdir(alone)
    code, _, err = call("seed=1", method="struct")
    assert code == 0, err
    other = Record.read(folders("outputs")["struct"] / "record.json")
    assert other.environment["data"] != first.environment["data"]
    assert other.dimensions_kept != first.dimensions_kept


def test_force_carries_the_run_out_anew_and_gives_the_same_record(finished_runs, alone):
    run = finished_runs.copy("struct", alone / "outputs")
    first, before = Record.read(run / "record.json"), (run / "record.json").stat().st_mtime_ns
    code, _, err = call("force=true", method="struct")
    assert code == 0, err
    assert "prune  step" in err
    assert (run / "record.json").stat().st_mtime_ns > before
    second = Record.read(run / "record.json")
    assert {**results_of(second), "config": None} == {**results_of(first), "config": None}


@pytest.mark.parametrize(
    ("method", "words", "advice"),
    [
        ("hybrid", ("method.penalty=0", "schedule.score_learning_rate=0.05"), "raise method.penalty"),
        ("unstructured", ("method.density=1",), "lower method.density"),
    ],
)
def test_a_method_that_removes_nothing_is_an_error(with_dense, method, words, advice):
    code, out, err = call(*words, method=method)
    assert (code, out) == (2, "")
    assert "removed nothing" in err
    assert advice in err


def test_a_method_that_cannot_remove_anything_is_refused_before_any_training(alone):
    code, _, err = call("schedule.score_learning_rate=1e-4", method="hybrid")
    assert code == 2
    assert "hybrid would remove nothing: 32 steps" in err
    assert "dense" not in err


def test_a_warm_up_that_leaves_no_training_is_refused_before_any(alone):
    code, _, err = call("schedule.warmup=20 steps", "schedule.cooldown=20 steps")
    assert code == 2
    assert "schedule.warmup" in err
    assert "step 1/" not in err


@pytest.mark.parametrize("recovery", [0, 0.3])
def test_one_shot_prunes_a_model_without_some_layers_to_the_same_target(with_dense, recovery):
    """In three steps, of which the first has nothing left to remove."""
    steps = ("method.removal_steps=3", f"method.recovery={recovery}", "schedule.fill_epochs=1")
    code, _, err = call("method.layers=0.67", *steps, method="one_shot")
    assert code == 0, err
    run = folders("outputs")["one_shot"]
    record = Record.read(run / "record.json")
    assert record.setting == "density 0.3, layers 0.67"
    assert [len(shape["attention"]) for shape in record.shapes] == [2, 2, 2]
    assert record.shapes[0] == {"attention": [4, 4], "feed_forward": [512, 512]}
    assert 0.27 < record.linear_density <= 0.3
    assert record.heads_kept[1] == record.dimensions_kept[1] == 0


def test_a_model_that_pools_tokens_is_filled_and_loads(with_dense):
    words = ("method.tokens.operator=top_k", "method.tokens.after=[1]", "method.tokens.keep=[0.5]")
    code, _, err = call(*words, "schedule.fill_epochs=1", "method.removal_steps=1", method="one_shot")
    assert code == 0, err
    run = folders("outputs")["one_shot"]
    record = Record.read(run / "record.json")
    assert record.setting == "density 0.3, tokens 0.5 by top_k"
    assert record.speed[-1]["speedup_theoretical"] > 1 / 0.3
    name = "bert.encoder.layer.0.token_scorer.weight"
    before, after = (prune.load(run / stage).get_parameter(name) for stage in ("compacted/model", "model"))
    assert not before.equal(after)
    assert inspect(run / "model").pooling.in_words() == ["after layer 1 50% go on, by top_k"]


def test_no_teacher_means_labels_only(with_dense):
    code, _, err = call("teacher=none", method="struct")
    assert code == 0, err
    logged = golden.histories("outputs")["pruned"]
    assert "labels_loss" in logged[0]
    assert not any("teacher_loss" in line for line in logged)


def test_training_in_bfloat16_needs_no_gpu(alone):
    code, _, err = call(
        "schedule.precision=bfloat16", "schedule.score_learning_rate=3", "task.train_examples=64", method="struct"
    )
    assert code == 0, err
    assert all(math.isfinite(line["loss"]) for line in golden.histories("outputs")["pruned"] if "loss" in line)


def test_the_losses_are_golden(finished_runs, alone):
    """`OMP_NUM_THREADS=1 python -m tests.runs.golden` writes the file anew; its diff is to be explained."""
    finished_runs.copy("hybrid", alone / "outputs")
    expected, found = json.loads(golden.FILE.read_text()), golden.histories("outputs")
    for stage, lines in expected.items():
        assert len(found[stage]) == len(lines) > 0
        for one, other in zip(found[stage], lines, strict=True):
            assert one == pytest.approx(other, rel=1e-3, abs=1e-5), f"{stage}, step {other['step']}"


def test_a_sweep_runs_every_combination_and_shows_one_table(with_dense):
    code, out, err = call("-m", "method.penalty=1,3", method="struct")
    assert code == 0, err
    assert len(list(with_dense.glob("outputs/demo/demo/struct/*/seed_0/record.json"))) == 2
    last = out[out.rindex("speed-up ┃") :]
    assert "penalty 1" in last
    assert "penalty 3" in last
