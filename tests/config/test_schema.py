"""The configuration: files and schema agree, every combination composes, and what cannot work is refused."""

import ast
import copy
import functools
import itertools
import json
import shutil
from dataclasses import fields, is_dataclass, replace

import pytest
import yaml
from hydra import compose, initialize_config_dir
from hydra.core.config_store import ConfigStore
from omegaconf import OmegaConf

from prune.composition.compose import schema_node, typed
from prune.composition.overrides import parsed
from prune.config import schema
from prune.config.keys import GROUPS, choices
from prune.config.schema import Config, TargetConfig
from prune.errors import ConfigErrors
from prune.files.paths import PACKAGE, shipped
from prune.pipeline.method import method_of, unread_settings
from prune.validation import check

DEMO = ("model=demo", "task=demo")
ANSWERS = ("model=demo", "task=question_answering", "task.path=pkg://demo/data")
TO_FILL_IN = {
    "text_classification": {"path": "a/b"},
    "text_regression": {"path": "a/b"},
    "question_answering": {"path": "a/b"},
    "summarization": {"path": "a/b"},
    "mlm": {"path": "a/b"},
    "embedding": {"path": "a/b"},
    "reranking": {"path": "a/b"},
    "custom": {"path": "a/own"},
    "fixed_mask": {"mask": str(PACKAGE / "demo" / "model")},
}
"""What a user gives to the tasks, to the model and to the method that leave it open."""
PAIRS = {"text": ["one", "other"], "metrics": ["recall@1"], "embeddings": schema.EmbeddingsConfig(contrastive=True)}
"""What is asked of an embedder's task where there is nothing to teach it."""
TARGETS = {"one_shot": {"speedup": 2.0}, "at_initialization": {"density": 0.5}}
"""And to the methods that do."""
DATACLASSES = [item for name, item in vars(schema).items() if name.endswith("Config")]
CLASS_OF = {group: {f.name: f for f in fields(Config)}[group].default_factory for group in GROUPS}
FILES = sorted(file for group in GROUPS for file in (shipped("configs") / group).glob("*.yaml"))


READ_BY = {
    "class_weights": "text_classification", "answers": "question_answering", "summaries": "summarization",
    "embeddings": "embedding", "retrieval": "embedding", "reranking": "reranking",
}  # fmt: skip
"""Parts of a task that one kind reads; files of other kinds leave them out."""


def unread(kind):
    """The settings of a method that only other kinds read; its files leave them out."""
    return dict(unread_settings(Config(method=schema.MethodConfig(kind=kind))))


@functools.cache
def _with_choices(*words):
    """The composed config with these choices of the groups."""
    ConfigStore.instance().store(name="schema", node=schema_node())
    with initialize_config_dir(str(shipped("configs").resolve()), version_base="1.3"):
        return compose("config", list(words))


def composed(*words):
    """The config that the command line `words` means, checked: Hydra's choices, into which the values are set."""
    choosing = [word for word in words if word.partition("=")[0] in GROUPS]
    config = copy.deepcopy(_with_choices(*choosing))
    for override in parsed([word for word in words if word not in choosing]):
        OmegaConf.update(config, override.key_or_group, override.value())
    return typed(config)


def problems(*words):
    """Why the command line `words` is refused."""
    with pytest.raises(ConfigErrors) as error:
        composed(*words)
    return list(error.value.problems)


def sets_of_choices():
    """As few sets of a choice of each group as have every choice: the n-th has the n-th of each, or the first."""
    return list(itertools.zip_longest(*(choices(group) for group in GROUPS)))


def learns_from_nothing(task, method, model):
    """Whether there is no label, and neither a teacher nor an embedder that could be one."""
    return task.kind == "embedding" and not (method_of(Config(method=method)).has_teacher and model.pretrained)


@pytest.mark.parametrize("chosen", sets_of_choices(), ids=lambda chosen: "-".join(map(str, chosen)))
def test_every_choice_composes(chosen):
    names = {group: choice or choices(group)[0] for group, choice in zip(GROUPS, chosen, strict=True)}
    words = [f"{group}={choice}" for group, choice in names.items()]
    words += [f"{group}.{key}={value}" for group in GROUPS for key, value in TO_FILL_IN.get(names[group], {}).items()]
    words += [f"target.{key}={value}" for key, value in TARGETS.get(names["method"], {}).items()]
    if learns_from_nothing(*(part(group, names[group]) for group in ("task", "method", "model"))):
        words += ["task.text=[one,other]", "task.metrics=[recall@1]", "task.embeddings.contrastive=true"]
    config = composed(*words)
    called = {"own" if choice == "custom" else choice for choice in names.values()}
    assert {getattr(config, group).name for group in GROUPS} == called


@pytest.mark.parametrize("choice", sorted({*TO_FILL_IN} & {*choices("task")}))
def test_a_task_that_leaves_something_open_is_refused_until_it_is_filled_in(choice):
    found = problems("model=minilm", f"task={choice}")
    assert [problem.split()[0].split("=")[0] for problem in found] == [f"task.{key}" for key in TO_FILL_IN[choice]]


def part(group, choice):
    """What a choice of a group gives, with what it leaves open."""
    content = OmegaConf.load(shipped("configs") / group / f"{choice}.yaml")
    open_fields = TO_FILL_IN.get(choice, {})
    whole = OmegaConf.merge(OmegaConf.structured(Config), {group: OmegaConf.merge(content, open_fields)})
    return getattr(OmegaConf.to_object(whole), group)


def test_every_pair_of_choices_passes_the_checks():
    parts = {group: {choice: part(group, choice) for choice in choices(group)} for group in GROUPS}
    usual = {"model": "demo", "task": "demo", "method": "hybrid", "schedule": "demo"}
    for first, second in itertools.combinations(GROUPS, 2):
        for pair in itertools.product(parts[first], parts[second]):
            chosen = usual | dict(zip((first, second), pair, strict=True))
            target = TargetConfig(**TARGETS.get(chosen["method"], {}))
            given = {group: parts[group][choice] for group, choice in chosen.items()}
            if learns_from_nothing(given["task"], given["method"], given["model"]):
                given["task"] = replace(given["task"], **PAIRS)
            check(Config(**given, target=target))


def test_the_defaults_are_a_run_that_works():
    assert [getattr(composed(), group).name for group in GROUPS] == ["bert_base", "sst2", "hybrid_filled", "standard"]


def paths(cls):
    """All fields of a dataclass, nested ones with a dot."""
    for item in fields(cls):
        nested = item.default_factory if is_dataclass(item.default_factory) else None
        yield from (f"{item.name}.{path}" for path in paths(nested)) if nested else [item.name]


def leaves(content, names, prefix=""):
    for key, value in content.items():
        nested = isinstance(value, dict) and f"{prefix}{key}" not in names
        yield from leaves(value, names, f"{prefix}{key}.") if nested else [f"{prefix}{key}"]


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_every_file_lists_every_field_of_its_class(file):
    content, names = yaml.safe_load(file.read_text()), list(paths(CLASS_OF[file.parent.name]))
    if file.parent.name == "task":
        names = [name for name in names if READ_BY.get(name.split(".")[0], content["kind"]) == content["kind"]]
    if file.parent.name == "method":
        names = [name for name in names if name not in unread(content["kind"])]
    assert list(leaves(content, names)) == names


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_every_file_is_named_as_its_content_and_says_what_it_is(file):
    named_after_its_path = file.parent.name == "model" and "path" in TO_FILL_IN.get(file.stem, {})
    assert yaml.safe_load(file.read_text())["name"] == ("" if named_after_its_path else file.stem)
    assert file.read_text().startswith("# ")


def test_every_field_of_the_schema_is_documented():
    files = [*(PACKAGE / "config" / "schema").glob("*.py"), PACKAGE / "config" / "reference.py"]
    trees = [ast.parse(file.read_text()) for file in files]
    classes = [node for tree in trees for node in tree.body if isinstance(node, ast.ClassDef)]
    assert {c.name for c in classes} >= {cls.__name__ for cls in DATACLASSES}
    bare = [
        f"{node.name}.{item.target.id}"
        for node in classes
        for item, following in zip(node.body, [*node.body[1:], None], strict=True)
        if isinstance(item, ast.AnnAssign) and not is_text(following)
    ]
    assert bare == []


def is_text(node):
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and bool(str(node.value.value).strip())


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("method.density=0", "method.density=0.0: must be above 0, at most 1"),
        ("method.density=1.5", "method.density=1.5: must be above 0, at most 1"),
        ("method.density=nan", "method.density=nan: must be above 0, at most 1"),
        ("method.threshold=1", "method.threshold=1.0: must be at least 0, below 1"),
        ("method.penalty=-1", "method.penalty=-1.0: must be at least 0"),
        ("method.attention.penalty_weight=-1", "method.attention.penalty_weight=-1.0: must be at least 0"),
        ("schedule.epochs=0", "schedule.epochs=0.0: must be above 0"),
        ("schedule.epochs=inf", "schedule.epochs=inf"),
        ("schedule.batch_size=0", "schedule.batch_size=0: must be above 0"),
        ("schedule.learning_rate=0", "schedule.learning_rate=0.0: must be above 0"),
        ("distillation.temperature=0", "distillation.temperature=0.0: must be above 0"),
        ("task.max_length=2", "task.max_length=2: must be at least 8"),
        ("task.train_examples=0", "task.train_examples=0: must be above 0, or null"),
        ("task.text=[]", "task.text=[]: name one or two text columns"),
        ("task.text=[a,b,c]", "name one or two text columns"),
        ("task.labels=[one]", "name at least two different labels"),
        ("task.labels=[one,one]", "name at least two different labels"),
        ("evaluate.speed.pairs=1", "evaluate.speed.pairs=1: must be at least 2"),
        ("evaluate.speed.batch_sizes=[]", "name at least one batch size"),
        ("evaluate.speed.batch_sizes=[1,0]", "evaluate.speed.batch_sizes=0: must be above 0"),
        ("evaluate.speed.dtype=bfloat61", "not known (did you mean 'bfloat16'?). Allowed: float32, bfloat16"),
        ("evaluate.speed.device=gpu", "evaluate.speed.device=gpu: not known"),
        ("schedule.warmup=1.5", "schedule.warmup: 1.5 is no duration"),
        ("schedule.warmup=-0.1", "schedule.warmup: -0.1 is no duration"),
        ("schedule.cooldown=soon", "schedule.cooldown: 'soon' is no duration"),
        ("schedule.checkpoint_every=5 epochs", "schedule.checkpoint_every: '5 epochs' is no duration"),
        ("schedule.cooldown=0.9", "schedule.warmup=0.1 and schedule.cooldown=0.9: nothing of the training is left"),
        ("method.attention.criterion=movment", "(did you mean 'movement'?). Allowed: l0, magnitude, movement"),
        ("method.attention.grain=blok", "method.attention.grain=blok: not known (did you mean 'block'?)"),
        ("method.feed_forward.grain=head", "method.feed_forward.grain=head: not known"),
        ("method.attention.grain=dimension", "method.attention.grain=dimension: not known"),
        ("method.attention.block=[5,5]", "method.attention.block=[5, 5]: does not divide encoder.layer.0.attention"),
        ("method.attention.block=[32]", "method.attention.block=[32]: must be two numbers above 0"),
        ("method.attention.block=[0,32]", "method.attention.block=[0, 32]: must be two numbers above 0"),
        ("method.kind=fine_prunning", "method.kind=fine_prunning: not known (did you mean 'fine_pruning'?)"),
        ("task.kind=classification", "task.kind=classification: not known (did you mean 'text_classification'?)"),
        ("task.metrics=[acuracy]", "task.metrics=acuracy: not known (did you mean 'accuracy'?)"),
        ("task.metrics=[]", "task.metrics"),
        ("task.eval_splits=[]", "task.eval_splits"),
        ("model.path=/no/such/folder", "model.path=/no/such/folder: there is no such folder"),
        ("task.path=./no_such_folder", "task.path=./no_such_folder: there is no such folder"),
        ("model.dense=/no/such/folder", "model.dense=/no/such/folder: there is no such folder"),
        ("teacher=/no/such/folder", "teacher=/no/such/folder: there is no such folder"),
        ("model.path=''", "model.path is empty"),
        ("seed=-1", "seed=-1"),
    ],
)
def test_an_impossible_value_is_refused(word, said):
    found = problems(*DEMO, word)
    assert len(found) == 1, found
    assert said in found[0]


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("task.text=[context]", "task.text=['context']: name two columns, with the question and with the text"),
        ("task.answers.question_length=0", "task.answers.question_length=0: must be above 0"),
        ("task.answers.n_best=0", "task.answers.n_best=0: must be above 0"),
        ("task.answers.max_tokens=0", "task.answers.max_tokens=0: must be above 0"),
        ("task.answers.stride=-1", "task.answers.stride=-1: must be at least 0 and below 317"),
        ("task.answers.stride=317", "task.answers.stride=317: must be at least 0 and below 317"),
        ("task.max_length=67", "task.max_length=67 and task.answers.question_length=64: no room is left for the text"),
        (
            "task.answers.question_length=384",
            "task.max_length=384 and task.answers.question_length=384: no room is left",
        ),
        ("task.max_length=68", "task.answers.stride=128: must be at least 0 and below 1, what task.max_length=68"),
        ("task.max_length=195", "task.answers.stride=128: must be at least 0 and below 128, what task.max_length=195"),
        ("task.metrics=[accuracy]", "task.metrics=accuracy: not known. Allowed: f1, exact_match"),
        ("task.metrics=[exact]", "task.metrics=exact: not known"),
        ("task.metrics=[best_f1]", "task.metrics=best_f1: not known"),
        ("task.answers.unanswerable=true", "task.metrics=exact_match: not known"),
    ],
)
def test_an_impossible_value_of_questions_is_refused(word, said):
    found = problems(*ANSWERS, word)
    assert len(found) == 1, found
    assert said in found[0]


@pytest.mark.parametrize("word", ["task.answers.stride=316", "task.answers.stride=0", "task.max_length=196"])
def test_a_stride_that_just_fits_is_taken(word):
    assert composed(*ANSWERS, word).task.kind == "question_answering"


@pytest.mark.parametrize("metric", ["f1", "exact", "best_f1", "best_exact"])
def test_every_metric_of_unanswerable_questions_is_known(metric):
    words = ("task.answers.unanswerable=true", f"task.metrics=[{metric}]")
    assert composed(*ANSWERS, *words).task.metrics == [metric]


def test_settings_of_answers_are_refused_where_nobody_reads_them():
    (problem,) = problems(*DEMO, "task.answers.stride=64")
    assert problem == "task.answers: read by question_answering only, not by task.kind=text_classification"


def test_a_teacher_of_questions_is_not_asked_for_its_labels(tmp_path):
    shape = json.loads((PACKAGE / "demo/model/config.json").read_text()) | {"id2label": {0: "a", 1: "b", 2: "c"}}
    (tmp_path / "config.json").write_text(json.dumps(shape))
    assert composed(*ANSWERS, f"teacher={tmp_path}").teacher == str(tmp_path)


def test_only_a_teacher_may_be_a_pruned_model(tmp_path):
    shape = json.loads((PACKAGE / "demo/model/config.json").read_text()) | {"pruned_shape": []}
    (tmp_path / "config.json").write_text(json.dumps(shape))
    for key in ("model.path", "model.dense"):
        (problem,) = problems(*DEMO, f"{key}={tmp_path}")
        assert problem.startswith(f"{key}={tmp_path}: it is a pruned model; name the one that it was pruned from")
    assert composed(*DEMO, f"teacher={tmp_path}").teacher == str(tmp_path)


def test_the_block_of_a_site_that_has_no_blocks_does_not_matter():
    assert composed(*DEMO, "method=hybrid", "method.feed_forward.block=[5,5]").method.feed_forward.block == [5, 5]


def test_f1_needs_two_labels():
    (found,) = problems(*DEMO, "task.labels=[a,b,c]", "task.metrics=[f1]")
    assert "f1 is of the second of two labels, not of 3" in found


def test_impossible_values_are_found_together():
    found = problems(*DEMO, "method.density=0", "schedule.warmup=2", "method.threshold=2", "task.path=./no")
    assert len(found) == 4


@pytest.mark.parametrize(
    ("labels", "fits"), [(None, True), (["a", "b"], True), (["a", "b", "c"], False)], ids=["unnamed", "two", "three"]
)
def test_a_teacher_must_know_as_many_labels_as_the_task(labels, fits, tmp_path):
    shape = json.loads((PACKAGE / "demo/model/config.json").read_text())
    if labels:
        shape["id2label"] = dict(enumerate(labels))
    (tmp_path / "config.json").write_text(json.dumps(shape))
    if fits:
        assert composed(*DEMO, f"teacher={tmp_path}").teacher == str(tmp_path)
    else:
        (problem,) = problems(*DEMO, f"teacher={tmp_path}")
        assert problem.startswith(f"teacher={tmp_path}: it knows 3 labels, the task demo has 2")


def test_a_dense_model_must_know_as_many_labels_as_the_task(tmp_path):
    shape = json.loads((PACKAGE / "demo/model/config.json").read_text()) | {"id2label": {0: "a", 1: "b", 2: "c"}}
    (tmp_path / "config.json").write_text(json.dumps(shape))
    (problem,) = problems(*DEMO, f"model.dense={tmp_path}")
    assert "model.dense" in problem
    assert "3" in problem


def test_a_model_of_an_unknown_family_is_refused(tmp_path):
    folder = tmp_path / "model"
    shutil.copytree(PACKAGE / "demo/model", folder)
    shape = json.loads((folder / "config.json").read_text()) | {"model_type": "bertha"}
    (folder / "config.json").write_text(json.dumps(shape))
    (problem,) = problems("task=demo", f"model.path={folder}")
    assert "'bertha' is not one of the families: albert, bart, bert," in problem
    assert problem.endswith(". About twenty lines add it: see docs/extending.md, A model family")
