"""Stages: what identifies them, and in which order they run."""

import io
import threading
from dataclasses import dataclass

import pytest
from rich.console import Console

from prune.config.schema import Config, Finish, MethodConfig
from prune.pipeline import shared_stages
from prune.pipeline.method import method_of, stages_of
from prune.pipeline.stage import Report, Stage, all_fields
from prune.pipeline.stages import locked, stages_to_run
from prune.results.layout import StageFolder
from prune.runtime import registry
from prune.runtime.screen import WAITING, Screen


def nothing(*_):
    return {}


def test_an_identity_names_what_is_read_and_not_at_its_default_and_the_inputs():
    first = Stage("first", "first", run=nothing, reads=("seed", "schedule.epochs"))
    second = Stage("second", "second", run=nothing, inputs=(first,), reads=("target", "evaluate.speed.pairs"))
    assert second.identity(Config()) == {"evaluate": {"speed": {}}, "first": {"seed": 0, "schedule": {}}}
    config = Config(seed=3)
    config.evaluate.speed.pairs, config.evaluate.speed.device, config.target.density = 7, "cpu", 0.5
    assert second.identity(config) == {
        "target": {"density": 0.5},
        "evaluate": {"speed": {"pairs": 7}},
        "first": {"seed": 3, "schedule": {}},
    }


def test_a_field_that_is_new_names_no_folder_anew():
    """As long as it has its default: `data_seed` is younger than the others."""
    assert "data_seed" in shared_stages.DENSE.reads
    assert "data_seed" not in shared_stages.DENSE.identity(Config())
    assert shared_stages.DENSE.identity(Config(data_seed=1))["data_seed"] == 1


def test_a_stage_runs_once_and_after_all_of_its_inputs():
    first = Stage("first", "first", run=nothing)
    second, third = (Stage(name, name, run=nothing, inputs=(first,)) for name in ("second", "third"))
    last = Stage("last", "last", run=nothing, inputs=(second, third, first))
    assert last.chain() == [first, second, third, last]


def test_a_transient_stage_is_needed_until_what_takes_it_is_finished(tmp_path):
    config, report = Config(outputs=str(tmp_path)), {"seconds": 1.0, "peak_memory_bytes": 2, "data": {}}
    first = Stage("first", "first", run=nothing)
    second = Stage("second", "second", run=nothing, inputs=(first,), transient=True)
    third = Stage("third", "third", run=nothing, inputs=(first, second), transient=True)
    last = Stage("last", "last", run=nothing, inputs=(third,))
    assert stages_to_run(last, config) == [first, second, third, last]
    third.folder(config).finish(report)
    assert stages_to_run(last, config) == [first, third, last]
    third.folder(config).remove()
    last.folder(config).finish(report)
    assert stages_to_run(last, config) == [first, last]


@pytest.mark.parametrize("kind", registry.names("methods"))
@pytest.mark.parametrize("finish", Finish)
def test_every_method_ends_with_a_model_and_begins_with_the_dense_one(kind, finish):
    config = Config(method=MethodConfig(kind=kind, finish=finish, removal_steps=3))
    stages = stages_of(config)
    assert stages[0] is shared_stages.DENSE
    assert stages[-1].name == ("fill" if finish is Finish.fill else "compact")
    assert len({stage.name for stage in stages}) == len({stage.folder(config).path for stage in stages}) == len(stages)
    assert all(stage.reads for stage in stages if stage.shared)


def test_fields_of_a_group_are_named_with_it():
    @dataclass
    class Group:
        first: int = 0
        second: int = 0

    assert all_fields("group", Group, but=("second",).__contains__) == ("group.first",)


def test_a_report_of_more_fields_is_read_as_far_as_it_is_known(tmp_path):
    stage, config = Stage("only", "only", run=nothing), Config(outputs=str(tmp_path))
    folder = stage.folder(config)
    assert stage.read(folder) is None
    folder.finish({"seconds": 1.0, "peak_memory_bytes": 2, "data": {}, "from_a_later_version": 3})
    assert stage.read(folder) == Report(1.0, 2, {})


def test_the_method_of_a_config_is_that_of_its_kind():
    assert method_of(Config(method=MethodConfig(kind="one_shot"))).needs_target
    assert not method_of(Config()).needs_target


def test_a_run_that_waits_for_another_says_so(tmp_path):
    folder, shown = StageFolder(tmp_path / "dense" / "a"), io.StringIO()
    screen = Screen(Console(file=shown, width=1000))
    with locked(folder, screen):
        assert shown.getvalue() == ""
        other = threading.Thread(target=lambda: locked(folder, screen).__enter__(), daemon=True)
        other.start()
        other.join(0.2)
        assert shown.getvalue().strip() == f"{WAITING}, which works on {folder.path}"
    other.join(5)
    assert not other.is_alive()
