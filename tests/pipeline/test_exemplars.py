"""Exemplars of an audit count more in pruning and fill: by hand, in a run, and what is no audit."""

import json
from dataclasses import replace

import pytest

from prune.config.schema import Config, TaskConfig
from prune.errors import UserError
from prune.pipeline.exemplars import weighted_rows
from prune.pipeline.shared_stages import DENSE
from prune.results.layout import run_folder
from tests.composing import refused
from tests.runs.tiny import call

TASK = TaskConfig(name="demo", train_split="train", exemplar_weight=3)


def audit_of(ids, kind="modal", task="demo", split="train"):
    return {"audits": [{"task": task, "splits": {split: {"modal": None, kind: ids}}}]}


@pytest.fixture
def task(tmp_path):
    """The task with a file of weights that holds a content."""

    def make(content):
        file = tmp_path / "audit.json"
        file.write_text(content if isinstance(content, str) else json.dumps(content))
        return replace(TASK, weights=str(file))

    return make


def test_exemplars_are_seen_more_often(task):
    assert weighted_rows(task(audit_of(["b"])), ["a", "b", "c"]) == [0, 1, 1, 1, 2]


def test_all_audits_of_the_task_count(task):
    content = audit_of(["a"])
    content["audits"] += audit_of(["c"], kind="largest_losses")["audits"] + audit_of(["b"], task="other")["audits"]
    assert weighted_rows(task(content), ["a", "b", "c"]) == [0, 0, 0, 1, 2, 2, 2]


def test_an_audit_of_bare_files(task):
    assert weighted_rows(task({"splits": {"train": {"modal": ["a"]}}}), ["a", "b"]) == [0, 0, 0, 1]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (audit_of(["x"]), "1 exemplar of it, as x, are none of the 2 training examples"),
        (audit_of(["a"], split="validation"), "Audit three runs or more with task.eval_splits=[validation,train]"),
        (audit_of(["a"], task="other"), "has no exemplars of the split train of demo"),
        (audit_of(None), "has no exemplars of the split train of demo"),
        ({"audits": [1]}, "is no audit"),
        ({"audits": 1}, "is no audit"),
        ("{", "is no plain JSON"),
    ],
    ids=["other examples", "other split", "other task", "too few models", "no audit", "no list", "no JSON"],
)
def test_what_is_no_audit_of_these_examples_is_named(task, content, said):
    with pytest.raises(UserError) as error:
        weighted_rows(task(content), ["a", "b"])
    assert said in str(error.value)


def test_a_file_that_is_not_there():
    with pytest.raises(UserError, match=r"there is no such file. `prune audit` writes it"):
        weighted_rows(replace(TASK, weights="nowhere.json"), ["a"])


def test_the_dense_model_does_not_depend_on_them():
    plain, weighted = (Config(task=replace(TASK, weights=weights)) for weights in ("", "audit.json"))
    assert DENSE.folder(plain) == DENSE.folder(weighted)
    assert run_folder(plain) != run_folder(weighted)


def test_a_run_under_weights(tmp_path):
    """Its training has as many steps, in which the exemplars come up more often."""
    file = tmp_path / "audit.json"
    file.write_text(json.dumps(audit_of([str(n) for n in range(128)])))
    outputs = f"outputs={tmp_path / 'outputs'}"
    assert call(outputs, method="struct")[0] == 0
    code, _, err = call(outputs, f"task.weights={file}", "task.exemplar_weight=3", method="struct")
    assert code == 0, err
    records = [json.loads(one.read_text()) for one in (tmp_path / "outputs").glob("demo/*/*/*/seed_0/record.json")]
    plain, weighted = sorted(records, key=lambda record: record["config"]["task"]["weights"])
    assert len(list((tmp_path / "outputs" / "dense").glob("*/stage.json"))) == 1
    assert weighted["training"]["prune"]["steps"] == plain["training"]["prune"]["steps"]
    assert weighted["training"]["prune"]["epochs"] == pytest.approx(0.5 * plain["training"]["prune"]["epochs"])


def test_one_shot_without_a_fill_trains_nothing_that_they_could_weight():
    said = refused("model=demo", "task=demo", "method=one_shot", "target.density=0.5", "method.finish=compact",
                   "task.weights=audit.json")  # fmt: skip
    assert "task.weights=audit.json: nothing is trained without a fill; say method.finish=fill" in said
