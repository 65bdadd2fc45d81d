"""`prune audit`: of run folders and of bare files; what it refuses."""

import csv
import json
import shutil
from pathlib import Path

import pytest

from prune.pipeline.shared_stages import DENSE
from tests.audit.folders import NUMBER, PLANTED, answers_of, leave_run, review_config, reviews
from tests.tasks.files import write

BARE = ["task=text_classification", "task.path=./reviews", "task.labels=[bad,fair,good]", "task.text=[text,other]"]


@pytest.fixture(autouse=True)
def alone(elsewhere):
    write(elsewhere / "reviews" / "validation.jsonl", reviews())


@pytest.fixture
def call(prune):
    """Calls `prune audit`: code, standard output and error."""
    return lambda *words: prune("audit", *words)


@pytest.fixture
def outputs(tmp_path):
    """Three seeds of one configuration, without any model."""
    for seed in range(3):
        leave_run(review_config(tmp_path / "outputs", seed), probabilities=True)
    return tmp_path / "outputs"


def audited(call, *words):
    code, out, err = call(*words, "format=json")
    assert code == 0, err
    return json.loads(out)


def refused(call, *words):
    code, out, err = call(*words)
    assert (code, out) == (2, "")
    return " ".join(err.split())


def files(kind, pruned, number=3):
    names = [f"{kind}{seed}.json" for seed in range(number)]
    for seed, name in enumerate(names):
        write(Path(name), json.dumps(answers_of(seed, pruned=pruned)))
    return f"{kind}=[{','.join(names)}]"


def test_runs_are_audited_without_their_models(call, outputs):
    content = audited(call, "outputs")
    (found,) = content["audits"]
    assert [found[key] for key in ("task", "model", "method", "setting")] == [
        "reviews",
        "small",
        "struct",
        "penalty 10",
    ]
    split = found["splits"]["validation"]
    assert split["models"] == {"dense": 3, "pruned": 3}
    assert str(PLANTED) in split["modal"]
    assert split["votes"][str(PLANTED)]["pruned"] != split["votes"][str(PLANTED)]["dense"]
    assert split["taxicab"].keys() == {str(n) for n in range(NUMBER)}
    assert split["taxicab"][str(PLANTED)] == 2
    assert {"label", "length", "overlap", "dense confidence"} >= {one["column"] for one in split["slices"]}
    assert split["calibration"]["dense"]["error"] > 0
    assert json.loads((outputs / "audit.json").read_text()) == content


def test_slices_by_a_column_of_ones_own(call, outputs):
    (found,) = audited(call, "outputs", "task.slices=[genre]")["audits"]
    slices = [one["value"] for one in found["splits"]["validation"]["slices"] if one["column"] == "genre"]
    assert sorted(slices) == ["g0", "g1", "g2", "g3"]
    with (outputs / "audit.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert sorted(row["value"] for row in rows if row["column"] == "genre") == sorted(slices)
    assert {row["dense_models"] for row in rows} == {"3"}


def test_in_a_terminal(call, outputs):
    code, out, _ = call("outputs", "task=reviews")
    text = " ".join(out.split())
    assert code == 0
    assert "validation: 60 examples, 3 dense models, 3 pruned" in text
    assert "between halves of the dense models (1 and 2, 3 ways)" in text
    assert (outputs / "audit.html").is_file()


def test_bare_files(call):
    content = audited(call, *BARE, files("dense", pruned=False), files("pruned", pruned=True))
    assert content.keys() == {"splits"}
    split = content["splits"]["validation"]
    assert {"modal", "taxicab", "null", "slices", "churn"} <= split.keys()
    assert str(PLANTED) in split["modal"]
    assert {one["column"] for one in split["slices"]} <= {"label", "length", "overlap", "dense agreement"}
    assert not Path("outputs").exists()


def test_files_and_runs_agree(call, outputs):
    (of_runs,) = audited(call, "outputs")["audits"]
    of_files = audited(call, *BARE, files("dense", pruned=False), files("pruned", pruned=True))
    one, other = (found["splits"]["validation"] for found in (of_runs, of_files))
    assert all(one[key] == other[key] for key in ("modal", "taxicab", "null", "scores"))


def test_few_models_have_churn_and_no_exemplars(call):
    words = *BARE, files("dense", pruned=False, number=2), files("pruned", pruned=True)
    split = audited(call, *words)["splits"]["validation"]
    assert (split["modal"], split["taxicab"], split["null"]) == (None, None, None)
    assert split["remark"] == "no exemplars of 2 dense and 3 pruned models: they need 3 of each, as seed=0,1,2 gives"
    assert split["churn"]["changed"] > 0


def test_dense_models_of_all_runs_are_one_population(call, outputs):
    leave_run(review_config(outputs, 0, method="hybrid"))
    found = audited(call, "outputs")["audits"]
    assert [(one["method"], one["splits"]["validation"]["models"]) for one in found] == [
        ("hybrid", {"dense": 3, "pruned": 1}),
        ("struct", {"dense": 3, "pruned": 3}),
    ]
    assert [one["method"] for one in audited(call, "outputs", "method=struct")["audits"]] == ["struct"]


def test_runs_of_different_data_are_refused(call, outputs):
    shutil.rmtree(outputs)
    for seed, data in enumerate(("abc", "abc", "xyz")):
        leave_run(review_config(outputs, seed), data=data)
    said = refused(call, "outputs")
    assert "the split validation of seed 0 is not that of seed 2: their fingerprints differ. Set data_seed" in said


def test_data_that_the_scores_are_not_of_are_refused(call, outputs):
    rows = reviews()
    rows[0]["label"] = 1
    write(Path("reviews/validation.jsonl"), rows)
    assert "these are not the data that it was scored on. Name them with task.path=" in refused(call, "outputs")
    write(Path("elsewhere/validation.jsonl"), reviews())
    assert audited(call, "outputs", "task.path=elsewhere")


def test_ids_must_be_those_of_the_split(call):
    dense, pruned = files("dense", pruned=False), files("pruned", pruned=True)
    content = answers_of(0, pruned=True)
    del content["4"]
    write(Path("pruned1.json"), json.dumps(content))
    assert "pruned=pruned1.json: the file lacks 1 example of the split: 4 ..." in refused(call, *BARE, dense, pruned)
    text = json.dumps(answers_of(0, pruned=True))
    write(Path("pruned1.json"), text.replace('"4":', '"3":'))
    assert "'3' stands in it twice" in refused(call, *BARE, dense, pruned)


def test_predictions_that_are_gone_are_named(call, outputs):
    shutil.rmtree(DENSE.folder(review_config(outputs, 1)).path)
    assert "there are no predictions to audit (No such file or directory)" in refused(call, "outputs")


def test_a_link_out_of_the_folder_is_not_followed(call, outputs, tmp_path):
    file = DENSE.folder(review_config(outputs, 1)).predictions("validation").path / "predictions.json"
    file.rename(tmp_path / "away.json")
    file.symlink_to(tmp_path / "away.json")
    assert "it leads out of outputs" in refused(call, "outputs")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nowhere"], "nowhere: there is no such folder. Name the outputs folder: prune audit <folder>"),
        (["outputs", "task=other"], "task=other: there is no such run"),
        (["outputs", "tsak=reviews"], "'tsak=reviews' is not known (did you mean 'task'?)"),
        (["outputs", "format=xml"], "format=xml: not known"),
        (["outputs", "task.slices=[gnere]"], "there is no column 'gnere'; the columns are text, other, label, genre"),
        ([*BARE, "dense=[a.json]"], "name the predictions of several models with pruned=[a.json,b.json]"),
        ([*BARE, "dense=[a.json]", "pruned=[b.json]"], "dense=a.json: cannot be read"),
    ],
)
def test_what_is_wrong_is_named(call, outputs, words, said):
    assert said in refused(call, *words)


def test_without_runs(call, tmp_path):
    (tmp_path / "empty").mkdir()
    assert "empty holds no finished run" in refused(call, "empty")


def test_settings_are_of_one_task(call, outputs):
    config = review_config(outputs, 0)
    config.task.name = "others"
    leave_run(config)
    assert "task.path is of one task; choose with task=others or reviews" in refused(call, "outputs", "task.path=x")


def test_what_cannot_be_audited_takes_nothing_else_with_it(call, outputs):
    """A configuration without predictions, and an exported model, which has none of its own."""
    folder = leave_run(review_config(outputs, 0, method="hybrid"))
    shutil.rmtree(folder.path / "predictions")
    exported = outputs / "reviews/small/struct/x/seed_0/exported/onnx"
    exported.mkdir(parents=True)
    shutil.copy(folder.record, exported)
    code, out, err = call("outputs", "format=json")
    assert code == 0
    assert [one["method"] for one in json.loads(out)["audits"]] == ["struct"]
    assert "left out" in err
    assert "hybrid" in err.replace("\n", "")
