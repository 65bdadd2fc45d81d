"""The recipe that a run leaves composes to the run's config, tells what it gave, and names no folder of the machine."""

from dataclasses import replace

import pytest
import yaml

from prune.config.reference import EnvironmentConfig
from prune.config.schema import ReferenceConfig
from prune.recipes import reproduction
from prune.results.layout import run_folder
from tests.composing import composed, refused, written
from tests.records import record

pytestmark = pytest.mark.usefixtures("elsewhere")


@pytest.mark.parametrize(
    "words",
    [
        ["model=demo", "task=demo"],
        ["recipe=demo"],
        ["model=demo", "task=demo", "seed=3", "teacher=none", "method=unstructured", "method.scope=site"],
        ["model=demo", "task=demo", "method=struct", "schedule=published_mnli", "method.penalty=2.5e-1"],
        ["model=demo", "task=demo", "task.train_examples=64", "evaluate.speed.batch_sizes=[2]"],
        ["model=demo", "task=demo", "schedule.warmup=10 steps", "distillation.temperature=1"],
        ["model=demo", "task=qqp", "method=block", "method.attention.block=[16,8]", "schedule.precision=bfloat16"],
        ["model=demo", "task=demo", "schedule=demo", "schedule.start_from=pretrained"],
        ["model=demo", "task=demo", "method=hybrid_filled", "method.finish=compact", "task.name=my_reviews"],
        ["task.subset=null", "model.pretrained=true", "model=demo", "schedule=demo", "schedule.batch_size=32"],
        ["model=demo", "task=demo", "schedule=demo", "schedule.weight_decay=0.01", "schedule.precision=auto"],
        ["model=demo", "task=demo", "schedule=published_mnli", "schedule.epochs=3", "schedule.dense_epochs=3"],
        ["model=demo", "task=qqp", "task.metrics=[accuracy]", "task.subset=null"],
        ["model=demo", "task=mnli", "task.eval_splits=[validation]", "task.path=google/x"],
        ["model=demo", "method=struct", "method.penalty=10", "method.attention.criterion=l0"],
        ["model=demo", "task=demo", "task.max_length=128", "schedule=demo", "schedule.fill_epochs=1"],
        ["model=demo", "task=demo", "method=unstructured", "method.finish=compact"],
        ["model=demo", "task=demo", "schedule=demo", "schedule.checkpoint_every=0.2", "schedule.eval_batch_size=64"],
    ],
    ids=lambda words: " ".join(words[-2:]),
)
def test_a_written_recipe_composes_to_the_same_config(words, tmp_path):
    config = composed(*words)
    file = written(tmp_path, reproduction.recipe_of(config, record(config)))
    again = composed(f"recipe={file}")
    assert replace(again, reference=ReferenceConfig()) == config
    assert run_folder(again) == run_folder(config)


def test_a_written_recipe_says_what_the_run_gave(tmp_path):
    config = composed("model=demo", "task=demo", "method=struct", "outputs=elsewhere", "force=true")
    text = reproduction.recipe_of(config, record(config))
    lines = text.splitlines()
    assert lines[0] == "# @package _global_"
    assert lines[1] == "# struct on demo with demo: accuracy 80.00 (-5.00 against dense), 2.00 times faster."
    assert lines[2] == "# prune recipe=<path of this file>"
    content = yaml.safe_load(text)
    assert not {"outputs", "force"} & content.keys()
    again = composed(f"recipe={written(tmp_path, text)}")
    assert run_folder(again) == run_folder(replace(config, outputs="outputs"))
    assert again.reference.scores == {"validation": {"accuracy": 0.8, "f1": 0.7}}
    assert again.reference.main_score == ("accuracy", 0.8)
    assert again.reference.dense_scores == {"validation": {"accuracy": 0.85}}
    assert (again.reference.linear_density, again.reference.speedup) == (0.3, 2.0)
    assert (again.reference.hardware, again.reference.measured) == ("Abacus, 1 threads, float32", "batch 8 x 16 tokens")
    assert again.reference.environment == EnvironmentConfig(**record(config).environment)


def test_folders_of_the_machine_stay_out_of_a_written_recipe(tmp_path):
    for name in ("data", "model", "dense", "teacher"):
        (tmp_path / "secret" / name).mkdir(parents=True)
    places = [f"{key}={tmp_path}/secret/{key.split('.')[-1]}" for key in ("model.dense", "teacher")]
    words = ["model=demo", "task=demo", f"task.path={tmp_path}/secret/data", "model.path=./secret/model", *places]
    config = composed(*words)
    text = reproduction.recipe_of(config, record(config))
    assert "secret" not in text
    asked = ("model.path", "model.dense", "task.path", "teacher")
    assert text.splitlines()[2] == "# prune recipe=<path of this file> " + " ".join(f"{key}=<folder>" for key in asked)
    message = refused(f"recipe={written(tmp_path, text)}")
    assert [line.split(":")[0] for line in message.splitlines()] == list(asked)
    again = composed("recipe=mine.yaml", *words[2:])
    assert replace(again, reference=ReferenceConfig()) == config
    assert reproduction.command(config, "mine.yaml") == (
        f"prune recipe=mine.yaml model.path=./secret/model model.dense={tmp_path}/secret/dense "
        f"task.path={tmp_path}/secret/data teacher={tmp_path}/secret/teacher"
    )


def test_a_folder_that_a_choice_names_by_itself_is_left_to_the_choice(tmp_path, monkeypatch):
    monkeypatch.setattr(reproduction, "_choice_of", lambda group, _: {"path": "./data"} if group == "task" else {})
    (tmp_path / "data").mkdir()
    config = composed("model=demo", "task=demo", "task.path=./data")
    content = yaml.safe_load(reproduction.recipe_of(config, record(config)))
    assert "path" not in content["task"]
    assert content["model"]["path"] == "pkg://demo/model"


def test_a_threshold_is_no_score():
    config = composed("model=demo", "task=demo")
    one = record(config, scores={"validation": {"accuracy": 0.8, "best_f1_thresh": -3.5}})
    assert reproduction.reference_of(one)["scores"] == {"validation": {"accuracy": 0.8}}
