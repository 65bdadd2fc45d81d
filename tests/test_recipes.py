"""Recipes: found, read, composed; data and nothing else; written by a run so that they reproduce it."""

import json
import subprocess
import sys
from dataclasses import asdict, replace
from operator import attrgetter

import pytest
import yaml

from prune import recipes
from prune.assignments import flatten
from prune.composition import compose_and_call
from prune.config import Config
from prune.errors import UserError
from prune.outputs import run_folder
from prune.places import shipped
from prune.report.record import Record

FILES = sorted(shipped("recipes").rglob("*.yaml"))
HEAD = "# @package _global_\n"


class Done(Exception):
    """Carries a config out of a composition."""


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["prune"])


def composed(*words):
    """The config of the command line `words`."""

    def call(config):
        raise Done(config)

    with pytest.raises(Done) as done:
        compose_and_call(list(words), call)
    return done.value.args[0]


def refused(*words):
    def call(config):
        raise AssertionError("a bad recipe was carried out")

    with pytest.raises(UserError) as error:
        compose_and_call(list(words), call)
    return str(error.value)


def written(folder, text, name="mine.yaml"):
    file = folder / name
    file.write_text(text)
    return file


def test_every_shipped_recipe_is_found():
    assert len(FILES) > 0
    assert len(recipes.names()) == len(FILES)
    assert [recipes.find(name) for name in recipes.names()] == FILES


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_shipped_recipe_is_read_and_says_what_it_is(file):
    name = file.relative_to(shipped("recipes")).with_suffix("").as_posix()
    assert set(recipes.read(file)) <= {"defaults", *Config.__dataclass_fields__}
    first, *rest = file.read_text().splitlines()
    heading = rest[: rest.index("defaults:")]
    assert first == "# @package _global_"
    assert len(heading) >= 2
    assert all(line.startswith("# ") for line in heading)
    assert heading[-1] == f"# prune recipe={name}"


@pytest.mark.parametrize("name", recipes.names())
def test_a_shipped_recipe_composes(name):
    config = composed(f"recipe={name}")
    content = recipes.read(recipes.find(name))
    chosen = {k.removeprefix("override /"): v for d in content["defaults"] if d != "_self_" for k, v in d.items()}
    renamed = {group: content[group]["name"] for group in chosen if "name" in content.get(group, {})}
    assert {group: getattr(config, group).name for group in chosen} == chosen | renamed
    for assignment in flatten({group: content.get(group, {}) for group in ("model", "task", "method", "schedule")}):
        if assignment.value != {}:
            assert attrgetter(assignment.key)(config) == assignment.value


def test_a_recipe_by_path_is_the_recipe(tmp_path):
    written(tmp_path, recipes.find("demo").read_text())
    assert composed("recipe=mine.yaml") == composed(f"recipe={tmp_path}/mine.yaml") == composed("recipe=demo")


def test_a_path_with_odd_characters_is_no_problem(tmp_path):
    file = written(tmp_path, HEAD + "method: {penalty: 3.0}\n", "a b-c.d (1).yaml")
    assert composed(f"recipe='{file}'").method.penalty == 3.0


def test_two_recipes_of_one_name_are_not_confused(tmp_path):
    (tmp_path / "other").mkdir()
    written(tmp_path, HEAD + "method: {penalty: 3.0}\n")
    written(tmp_path / "other", HEAD + "method: {penalty: 4.0}\n")
    assert composed("recipe=./mine.yaml").method.penalty == 3.0
    assert composed("recipe=./other/mine.yaml").method.penalty == 4.0


@pytest.mark.parametrize("order", [1, -1])
def test_the_words_of_the_command_win_over_the_recipe(order):
    words = ["recipe=demo", "method=struct", "method.penalty=7", "schedule.epochs=9"][::order]
    config = composed(*words)
    assert (config.method.name, config.method.penalty, config.schedule.epochs) == ("struct", 7.0, 9.0)
    assert config.model.name == "demo"


def test_a_plain_reference_is_filled_in(tmp_path):
    written(tmp_path, HEAD + "schedule: {fill_epochs: '${schedule.epochs}', epochs: 5.0}\n")
    assert composed("recipe=mine.yaml").schedule.fill_epochs == 5.0


HOSTILE = {
    "environment": ("model: {path: '${oc.env:HOME}'}", "only plain references"),
    "environment in a list": ("task: {text: ['${oc.env:HOME}']}", "only plain references"),
    "nested reference": ("model: {path: '${${oc.env:A}}'}", "only plain references"),
    "environment in reference": ("reference: {note: '${oc.env:HOME}'}", "only plain references"),
    "resolver": ("seed: '${oc.decode:1}'", "only plain references"),
    "python object": ("model: {path: !!python/object/apply:os.system ['touch pwned']}", "no plain YAML"),
    "_target_": ("method: {_target_: os.system}", "there is no key method._target_"),
    "_target_ at the top": ("_target_: os.system", "there is no key _target_"),
    "hydra": ("hydra: {run: {dir: /tmp}}", "there is no key hydra.run.dir"),
    "hydra empty": ("hydra: {}", "there is no key hydra"),
    "hydra callbacks": ("hydra: {callbacks: {a: {_target_: os.system}}}", "there is no key hydra"),
    "trust": ("model: {trust_remote_code: true}", "there is no key model.trust_remote_code"),
    "outputs": ("outputs: /tmp", "does not say where or whether"),
    "force": ("force: true", "does not say where or whether"),
    "tracking": ("tracking: [wandb]", "nor how it is watched"),
    "other group": ("defaults: [{override /hydra/launcher: joblib}]", "is not allowed"),
    "added group": ("defaults: [{/method: struct}]", "is not allowed"),
    "config file": ("defaults: [../../secret]", "is not allowed"),
    "other recipe": ("defaults: [{override /recipe: demo}]", "is not allowed"),
    "two in one default": ("defaults: [{override /model: demo, override /task: demo}]", "is not allowed"),
    "path as choice": ("defaults: [{override /model: ../../secret}]", "there is no such model"),
    "list as choice": ("defaults: [{override /model: [demo]}]", "is not allowed"),
    "reference as choice": ("defaults: [{override /model: '${model.path}'}]", "there is no such model"),
    "choice outside defaults": ("method: hybrid", "a choice stands in defaults"),
    "anchor": ("method: &a {penalty: 3.0}", "anchors and aliases are not allowed"),
    "alias": ("method: &a {penalty: 3.0}\nreference: *a", "anchors and aliases are not allowed"),
    "unknown key": ("method: {penality: 3.0}", "did you mean 'method.penalty'?"),
    "wrong type": ("method: {penalty: much}", "could not be converted to Float"),
    "no YAML": ("method: [", "no plain YAML"),
    "a list": ("- method", "holds no mapping"),
    "a text": ("method", "holds no mapping"),
    "empty": ("", "holds no mapping"),
    "two documents": ("seed: 1\n---\nseed: 2", "no plain YAML"),
    "too large": ("# " + "x" * 100_001, "a recipe has at most 100000"),
    "key that is no text": ("1: 2", "there is no key 1"),
    "inner key that is no text": ("method: {1: 2}", "there is no key method.1"),
    "defaults that are a mapping": ("defaults: {override /model: demo}", "defaults"),
    "defaults that are a number": ("defaults: 3", "defaults"),
    "a key twice": ("seed: 1\nseed: 2", "seed"),
    "dotted key": ("method.penalty: 3.0", "method.penalty"),
    "list for a text": ("model: {path: [a]}", "model.path"),
}


@pytest.mark.parametrize("case", HOSTILE, ids=lambda case: case.replace(" ", "_"))
def test_what_is_no_data_is_refused_and_nothing_is_created(case, tmp_path, monkeypatch):
    text, said = HOSTILE[case]
    folder = tmp_path / "empty"
    folder.mkdir()
    file = written(tmp_path, HEAD + text + "\n")
    monkeypatch.chdir(folder)
    message = refused(f"recipe={file}")
    assert said in message
    assert str(file) in message
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("name", ["../../elsewhere", "/tmp/elsewhere", "a/b", "a: b", ""])
@pytest.mark.parametrize("group", ["task", "model", "method"])
def test_a_name_cannot_lead_out_of_the_outputs_folder(group, name, tmp_path):
    written(tmp_path, HEAD + f"{group}: {{name: '{name}'}}\n")
    assert f"{group}.name" in refused("recipe=mine.yaml", "model.path=pkg://demo/model")
    assert [path.name for path in tmp_path.iterdir()] == ["mine.yaml"]


def test_a_binary_file_is_refused(tmp_path):
    (tmp_path / "mine.yaml").write_bytes(b"\xff\xfe\x00\x80" * 10)
    assert "no plain YAML" in refused("recipe=mine.yaml")


def test_everything_wrong_with_a_recipe_is_said_together(tmp_path):
    file = written(tmp_path, HEAD + "defaults: [{override /model: dmo}]\nforce: true\nmethod: {penality: 3.0}\n")
    lines = refused(f"recipe={file}").splitlines()
    assert len(lines) == 3
    assert all(line.startswith(f"{file}: ") for line in lines)


@pytest.mark.parametrize("name", ["dem", "../configs/config", "demo.yml", "/etc/passwd", "sst2", "", "demo/"])
def test_what_is_no_recipe_is_not_found(name):
    assert "there is no such recipe" in refused(f"recipe='{name}'")


def test_a_hostile_recipe_ends_the_command_with_code_2(tmp_path):
    file = written(tmp_path, HEAD + "model: {path: '${oc.env:HOME}'}\n")
    result = subprocess.run(
        [sys.executable, "-m", "prune", f"recipe={file}"], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert (result.returncode, result.stdout) == (2, "")
    assert "Traceback" not in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["mine.yaml"]


def record(config):
    """A record as a run of `config` would leave it."""
    values = dict.fromkeys(Record.__dataclass_fields__, 1)
    values |= {
        "task": config.task.name, "model": config.model.name, "method": config.method.name, "metric": "accuracy",
        "value": 0.8, "dense_value": 0.85, "linear_density": 0.3, "speed": [{"speedup": 2.0}],
        "scores": {"validation": {"accuracy": 0.8}}, "environment": {"packages": {"torch": "2.13.0"}, "gpu": None},
    }  # fmt: skip
    return Record(**values)


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
    file = written(tmp_path, recipes.recipe_of(config, record(config)))
    again = composed(f"recipe={file}")
    assert replace(again, reference={}) == replace(config, reference={})
    assert run_folder(again) == run_folder(config)


def test_a_written_recipe_says_what_the_run_gave(tmp_path):
    config = composed("model=demo", "task=demo", "method=struct", "outputs=elsewhere", "force=true")
    config.tracking = ["tensorboard"]
    text = recipes.recipe_of(config, record(config))
    lines = text.splitlines()
    assert lines[0] == "# @package _global_"
    assert lines[1] == "# struct on demo with demo: accuracy 80.00 (-5.00 against dense), 2.00 times faster."
    assert lines[2].startswith("# prune recipe=")
    content = yaml.safe_load(text)
    assert content["reference"]["value"] == 0.8
    assert content["reference"]["environment"]["packages"] == {"torch": "2.13.0"}
    assert not {"outputs", "force", "tracking"} & content.keys()


def test_a_reference_changes_nothing_but_itself(tmp_path):
    config = composed("model=demo", "task=demo")
    file = written(tmp_path, recipes.recipe_of(config, record(config)))
    again = composed(f"recipe={file}", "outputs=outputs")
    assert again.reference["value"] == 0.8
    assert run_folder(again) == run_folder(config)
    assert json.loads(json.dumps(asdict(again), default=str))["reference"]["metric"] == "accuracy"
