"""Trackers: the curves of all stages of a run, read back; nothing beside its folder; the same run with and without."""

import importlib.util
from types import SimpleNamespace

import pytest

from prune.masking.budget_controller import BudgetController
from prune.training.tracking import TRACKERS
from prune.validation import names
from tests.runs.tiny import call, folders

INSTALLED = [name for name in TRACKERS if importlib.util.find_spec(name)]
CURVES = {
    "dense": {"loss", "labels_loss", "learning_rate"},
    "prune": {
        "loss", "teacher_loss", "penalty_loss", "ramp", "threshold_attention", "penalty_weight_feed_forward",
        "density_attention", "density_feed_forward", "units_attention", "units_feed_forward",
    },
    "fill": {"loss", "teacher_loss"},
}  # fmt: skip
TAGS = {f"{stage}/{curve}" for stage, curves in CURVES.items() for curve in curves}


def needs(tracker):
    if tracker not in INSTALLED:
        pytest.skip(f"{tracker} is not installed: pip install -e '.[tracking]'")


@pytest.fixture(scope="module")
def tracked(tmp_path_factory):
    """The folder of a tiny run with all trackers that are installed, and what it left beside its outputs."""
    place = tmp_path_factory.mktemp("tracked")
    if not INSTALLED:
        pytest.skip("no tracker is installed: pip install -e '.[tracking]'")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        for variable in ("WANDB_MODE", "WANDB_DIR", "MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME"):
            patch.delenv(variable, raising=False)
        code, _, err = call(f"tracking=[{','.join(INSTALLED)}]", method="hybrid_filled")
        assert code == 0, err
        again = call(method="hybrid_filled")
    beside = sorted(path.name for path in place.iterdir())
    return SimpleNamespace(run=folders(place / "outputs")["hybrid_filled"], beside=beside, again=again)


def test_the_names_that_are_checked_are_those_that_there_are():
    assert set(names.TRACKERS) == set(TRACKERS)


def test_tensorboard_has_the_curves_of_all_stages(tracked):
    needs("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(tracked.run / "tracking" / "tensorboard")).Reload()
    assert {f"train/{tag}" for tag in TAGS} <= set(events.Tags()["scalars"])
    units = [event.value for event in events.Scalars("train/prune/units_feed_forward")]
    assert units[0] == 3 * 512
    assert units[-1] < units[0]
    densities = [event.value for event in events.Scalars("train/prune/density_feed_forward")]
    assert densities == pytest.approx([number / units[0] for number in units])
    thresholds = [event.value for event in events.Scalars("train/prune/threshold_feed_forward")]
    assert (thresholds[0], thresholds[-1]) == (0.0, pytest.approx(0.1))
    weights = [event.value for event in events.Scalars("train/prune/penalty_weight_feed_forward")]
    assert weights == pytest.approx([10 * threshold for threshold in thresholds])


def test_wandb_has_them_offline(tracked):
    needs("wandb")
    (file,) = (tracked.run / "tracking" / "wandb").glob("offline-run-*/run-*.wandb")
    content = file.read_bytes()
    steps = {"dense": 32, "prune": 32, "fill": 16}
    fewer = {"penalty_loss"}  # none before the warm-up has ended
    for tag in TAGS:
        stage, curve = tag.split("/")
        assert content.count(f"train/{tag}".encode()) >= steps[stage] // (2 if curve in fewer else 1), tag


def test_mlflow_has_them_in_files_as_one_run(tracked):
    needs("mlflow")
    from mlflow.tracking import MlflowClient

    client = MlflowClient((tracked.run / "tracking" / "mlflow").as_uri())
    (experiment,) = client.search_experiments()
    (run,) = client.search_runs([experiment.experiment_id])
    assert set(run.data.metrics) >= TAGS
    assert run.data.params["method.name"] == "hybrid_filled"
    assert run.info.status == "FINISHED"


def test_trackers_leave_nothing_beside_the_outputs(tracked):
    assert tracked.beside == ["outputs"]
    assert {path.name for path in (tracked.run / "tracking").iterdir()} >= set(INSTALLED)


def test_the_same_run_without_trackers_is_the_same_run(tracked):
    code, _, err = tracked.again
    assert code == 0
    assert "This run is finished" in err


def test_an_unknown_tracker_is_refused_with_the_nearest(tmp_path):
    code, _, err = call(f"outputs={tmp_path}", "tracking=[tensorbord]")
    assert code == 2
    assert "tracking=tensorbord: not known (did you mean 'tensorboard'?)" in err


def test_a_tracker_that_is_not_installed_is_refused_with_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr(names, "find_spec", lambda name: None if name == "wandb" else True)
    code, _, err = call(f"outputs={tmp_path}", "tracking=[tensorboard,wandb]")
    assert code == 2
    assert "tracking=[wandb] needs wandb: pip install -e '.[tracking]'" in err
    assert not list(tmp_path.iterdir())


def test_the_curves_of_masks_say_where_the_cut_is(make_bert, mask, ids):
    model = make_bert()
    masks = mask(model, grain="head", penalty=4.0)
    masks.advance(0.5)
    model(ids)
    curves = masks.curves()
    assert curves["units_attention"] == 2 * 4
    assert (curves["threshold_attention"], curves["penalty_weight_attention"]) == (0.05, 2.0)
    masks.budget_controller = BudgetController(0.5, lambda masks: masks.densities()["attention"])
    masks.advance(1.0)
    assert masks.curves()["threshold_attention"] == masks.budget_controller.position.item()
