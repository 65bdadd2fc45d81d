"""Run ids and file names: a run finds itself again, and no other."""

import json
from copy import deepcopy
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from pathlib import Path

import pytest

from prune.config.identity import differences
from prune.config.schema import (
    Config,
    Finish,
    MethodConfig,
    ModelConfig,
    ScheduleConfig,
    Scope,
    SiteConfig,
    TargetConfig,
    TaskConfig,
)
from prune.errors import UserError
from prune.files.atomic import check_writable, write_at_once
from prune.pipeline.method import stages_of
from prune.pipeline.shared_stages import DENSE
from prune.results.layout import StageFolder, find_records, run_folder


def dense_folder(config):
    return DENSE.folder(config)


def pruned_folder(config):
    (stage,) = (stage for stage in stages_of(config) if stage.name == "prune")
    return stage.folder(config)


def config(method="hybrid", **values):
    finish = Finish.fill if method == "hybrid_filled" else Finish.compact
    sites = {
        "attention": SiteConfig("soft_movement", "block"),
        "feed_forward": SiteConfig("soft_movement", "dimension"),
    }
    return Config(
        model=ModelConfig(name="small", path="some/model"),
        task=TaskConfig(name="reviews", path="some/data", text=["text"], labels=["bad", "good"]),
        method=MethodConfig(name=method, finish=finish, **sites),
        schedule=ScheduleConfig(name="usual"),
        **values,
    )


def paths(cls, prefix=""):
    """All fields of a config, nested ones with a dot."""
    for item in fields(cls):
        if is_dataclass(item.default_factory):
            yield from paths(item.default_factory, f"{prefix}{item.name}.")
        else:
            yield prefix + item.name


def other(value):
    """Another value of the same kind."""
    if isinstance(value, Enum):
        return next(member for member in type(value) if member is not value)
    if isinstance(value, bool) or value is None:
        return not value
    if isinstance(value, (int, float)):
        return value + 1
    if isinstance(value, str):
        return f"{value}x"
    return {**value, "x": 1} if isinstance(value, dict) else [*value, *value] or ["x"]


def changed(path):
    result = deepcopy(config())
    *parents, name = path.split(".")
    target = result
    for parent in parents:
        target = getattr(target, parent)
    setattr(target, name, other(getattr(target, name)))
    return result


FREE = {"outputs", "force", "tracking", "report", "task.slices", "task.probes"} | {
    path for path in paths(Config) if path.startswith(("reference.", "search."))
}


def test_a_frozen_run_folder():
    """These hashes must never change: users' finished runs lie under them. A new field needs a default, no new hash."""
    filled = replace(config("hybrid_filled"), seed=3, outputs="out")
    assert run_folder(filled).path == Path("out/reviews/small/hybrid_filled/d0373cf8/seed_3")
    assert dense_folder(filled).path == Path("out/dense/reviews-small-41ba8582")
    assert pruned_folder(filled).path == Path("out/pruned/reviews-small-ad4869ee")


def test_the_same_config_has_the_same_folders():
    assert run_folder(config()) == run_folder(config())
    assert dense_folder(config()) == dense_folder(config())
    assert pruned_folder(config()) == pruned_folder(config())


@pytest.mark.parametrize("path", sorted(set(paths(Config)) - FREE - {"schedule.name"}))
def test_every_field_that_matters_changes_the_run_folder(path):
    assert run_folder(changed(path)) != run_folder(config())


@pytest.mark.parametrize("path", sorted(FREE - {"outputs"} | {"schedule.name"}))
def test_a_field_that_does_not_matter_changes_no_folder(path):
    for folder in (run_folder, dense_folder, pruned_folder):
        assert folder(changed(path)) == folder(config())


def test_outputs_moves_the_folder_without_renaming_it():
    moved = replace(config(), outputs="elsewhere")
    assert run_folder(moved).path.relative_to("elsewhere") == run_folder(config()).path.relative_to("outputs")
    assert dense_folder(moved).path.relative_to("elsewhere") == dense_folder(config()).path.relative_to("outputs")


def test_a_seed_is_a_folder_of_its_own_beside_the_other_replicates():
    zero, one = (run_folder(replace(config(), seed=seed)).path for seed in (0, 1))
    assert (zero.name, one.name) == ("seed_0", "seed_1")
    assert zero.parent == one.parent
    assert dense_folder(replace(config(), seed=1)) != dense_folder(config())


def test_methods_that_differ_in_their_finish_share_the_pruned_model():
    assert pruned_folder(config("hybrid_filled")) == pruned_folder(config("hybrid"))
    assert run_folder(config("hybrid_filled")) != run_folder(config("hybrid"))


@pytest.mark.parametrize(("kind", "shared"), [("density", False), ("params", True), ("speedup", True)])
def test_a_density_is_another_where_it_will_be_filled(kind, shared):
    filled, not_filled = (config(method, target=TargetConfig(**{kind: 0.5})) for method in ("hybrid_filled", "hybrid"))
    assert (pruned_folder(filled) == pruned_folder(not_filled)) is shared


def test_all_methods_share_the_dense_model():
    struct = config("struct")
    struct.method.attention.grain, struct.method.penalty, struct.method.scope = "head", 99.0, Scope.site
    assert dense_folder(struct) == dense_folder(config())
    assert pruned_folder(struct) != pruned_folder(config())


@pytest.mark.parametrize("path", ["schedule.epochs", "teacher", "distillation.temperature", "schedule.cooldown"])
def test_what_the_dense_model_does_not_see_does_not_train_it_anew(path):
    assert dense_folder(changed(path)) == dense_folder(config())
    assert pruned_folder(changed(path)) != pruned_folder(config())


@pytest.mark.parametrize("path", ["model.path", "task.path", "task.train_examples", "schedule.dense_epochs", "seed"])
def test_what_the_dense_model_sees_trains_it_and_the_pruned_one_anew(path):
    assert dense_folder(changed(path)) != dense_folder(config())
    assert pruned_folder(changed(path)) != pruned_folder(config())


@pytest.mark.parametrize(
    "path", ["schedule.fill_epochs", "schedule.fill_warmup", "schedule.fill_batch_size", "evaluate.speed.pairs"]
)
def test_what_comes_after_pruning_does_not_prune_anew(path):
    assert pruned_folder(changed(path)) == pruned_folder(config())
    assert run_folder(changed(path)) != run_folder(config())


def test_differences_are_the_values_that_are_no_defaults():
    assert differences(Config()) == {}
    found = Config(seed=3)
    found.method.attention.grain = "head"
    found.evaluate.speed.batch_sizes = [2]
    assert differences(found) == {
        "seed": 3,
        "method": {"attention": {"grain": "head"}},
        "evaluate": {"speed": {"batch_sizes": [2]}},
    }


def test_asking_for_a_folder_does_not_change_the_config():
    before = config()
    run_folder(before), dense_folder(before), pruned_folder(before)
    assert before == config()


def test_a_file_is_written_at_once(tmp_path):
    file = tmp_path / "new" / "file.json"
    write_at_once(file, "one")
    write_at_once(file, "two")
    assert file.read_text() == "two"
    assert [path.name for path in file.parent.iterdir()] == ["file.json"]
    assert file.stat().st_mode & 0o777 == 0o644


def test_a_write_that_fails_leaves_the_old_content_and_no_part(tmp_path):
    file = tmp_path / "file.json"
    write_at_once(file, "old")
    with pytest.raises(UnicodeEncodeError):
        write_at_once(file, "new \ud800")
    assert file.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["file.json"]


def test_text_is_written_as_utf_8_whatever_the_locale(tmp_path):
    write_at_once(tmp_path / "file", "größer, 模型")
    assert (tmp_path / "file").read_bytes().decode("utf-8") == "größer, 模型"


def test_a_stage_is_finished_once_its_report_is_there(tmp_path):
    stage = StageFolder(tmp_path / "stage")
    assert stage.read_report() is None
    stage.checkpoints.mkdir(parents=True)
    stage.finish({"seconds": 1.5})
    assert stage.read_report() == {"seconds": 1.5}
    assert not stage.checkpoints.exists()


def test_records_are_found_in_the_order_of_their_paths(tmp_path):
    for name in ("b/seed_0", "a/seed_1", "a/seed_0"):
        write_at_once(tmp_path / name / "record.json", json.dumps({}))
    found = [file.parent.relative_to(tmp_path).as_posix() for file in find_records(tmp_path)]
    assert found == ["a/seed_0", "a/seed_1", "b/seed_0"]


def test_outputs_that_cannot_be_written_are_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"outputs=.*file/runs: cannot write there"):
        check_writable(str(tmp_path / "file" / "runs"))


def test_outputs_are_made_and_left_empty(tmp_path):
    check_writable(str(tmp_path / "a" / "b"))
    assert list((tmp_path / "a" / "b").iterdir()) == []
