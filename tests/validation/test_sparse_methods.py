"""What makes no sense for methods of fixed masks is refused by name, before anything slow."""

import pytest

from prune.errors import UserError
from prune.models import loading
from prune.models.architecture import new_model
from prune.pipeline.experiment import prepare
from prune.pipeline.method import runs_of
from prune.pipeline.plan import plans
from prune.results.layout import run_folder
from prune.runtime.screen import Screen
from tests.architectures import ARCHITECTURES
from tests.composing import all_composed, refused
from tests.runs.tiny import masked_model

DEMO = ("model=demo", "task=demo", "schedule=demo")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("lottery_ticket", "method.rounds=10"), "10 rounds of method.rate=0.1 of the original weights would remove"),
        (("lottery_ticket", "method.rounds=4", "method.rate=0.3"), "say at most 3, or method.rate_of=remaining"),
        (("lottery_ticket", "method.rounds=[]"), "must be a number of rounds, or a list of rounds such as [4, 6]"),
        (("lottery_ticket", "method.rounds=0"), "method.rounds=0: must be a number of rounds"),
        (("lottery_ticket", "method.rewind=soon"), "method.rewind=soon: must be pretrained, learning_rate, none, a"),
        (("lottery_ticket", "method.finish=fill"), "trains under its mask, which a fill would lift"),
        (("lottery_ticket", "method.layers=0.5"), "method.layers=0.5: lottery_ticket leaves no layer out"),
        (("lottery_ticket", "method.rewind=none", "method.control=layers_permuted"), "goes on with trained weights"),
        (("lottery_ticket", "method.feed_forward.grain=dimension"), "one site prunes single weights, the other whole"),
        (("lottery_ticket", "target.density=0.5"), "target.density: not read by lottery_ticket"),
        (("lottery_ticket", "teacher=a/b"), "teacher=a/b: lottery_ticket trains without a teacher"),
        (("structured_ticket", "method.pooler=true"), "whole units are pruned, and the pooler has none"),
        (("fixed_mask",), "method.mask is empty: name the folder of a finished run"),
        (("fixed_mask", "method.mask=magnitude"), "method=at_initialization method.criterion=magnitude"),
        (("fixed_mask", "method.mask=./none"), "method.mask=./none: no folder of a finished run"),
        (("fixed_mask", "method.mask=pkg://demo/model", "method.control=inverted"), "not a control of fixed_mask"),
        (("at_initialization",), "needs one target"),
        (("at_initialization", "target.speedup=2"), "target.speedup: not to be had"),
        (("at_initialization", "target.density=0.5", "method.criterion=snap"), "method.criterion=snap: not known"),
        (("at_initialization", "target.density=0.5", "method.at=7"), "method.at=7: must be a fraction"),
        (("at_initialization", "target.density=0.5", "method.control=random"), "not a control of at_initialization"),
        (("hybrid", "method.rounds=3"), "method.rounds=3: not read by fine_pruning, but by lottery_ticket"),
        (("one_shot", "target.density=0.5", "method.control=random"), "method.control=random: not read by one_shot"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, tuple) else "",
)
def test_it_is_refused(words, said):
    method, *rest = words
    assert said in refused(*DEMO, f"method={method}", *rest)


@pytest.mark.parametrize("criterion", ["snip", "grasp"])
@pytest.mark.parametrize("task", ["squad", "cnn_dailymail"])
def test_a_criterion_that_needs_labels_is_refused_where_a_task_has_none(task, criterion):
    words = ("model=demo", f"task={task}", "method=at_initialization", "target.density=0.5")
    said = refused(*words, f"method.criterion={criterion}")
    assert "has no labels; say magnitude, random, synflow" in said
    assert all_composed(*words, "method.criterion=synflow")


def test_the_mask_of_another_shape_is_refused_with_the_first_matrix_that_differs(tmp_path):
    config = loading.config_of("pkg://demo/model", settings={"num_hidden_layers": 2})
    new_model(config, "AutoModelForSequenceClassification").save_pretrained(tmp_path / "fewer")
    said = refused(*DEMO, "method=fixed_mask", f"method.mask={tmp_path / 'fewer'}")
    assert "encoder.layer.2.attention.self.query is 128 x 128 here, and is not there" in said
    assert all_composed(*DEMO, "method=fixed_mask", f"method.mask={masked_model()}")


@pytest.mark.parametrize("words", [("lottery_ticket",), ("at_initialization", "target.density=0.5")])
def test_a_pooler_that_is_not_there_cannot_be_pruned(words, tmp_path):
    model = ARCHITECTURES["distilbert"].model()
    model.config.save_pretrained(tmp_path / "model")
    loading.tokenizer("pkg://demo/model").save_pretrained(tmp_path / "model")
    method, *rest = words
    (config, *_) = all_composed(
        *DEMO,
        f"model.path={tmp_path / 'model'}",
        f"outputs={tmp_path}",
        f"method={method}",
        *rest,
        "method.pooler=true",
    )
    with pytest.raises(UserError, match="a distilbert for text_classification has no pooler"):
        prepare(config, run_folder(config), Screen())


def test_layers_that_share_their_weights_cannot_change_places(tmp_path):
    ARCHITECTURES["albert"].model(num_hidden_groups=1).config.save_pretrained(tmp_path / "model")
    loading.tokenizer("pkg://demo/model").save_pretrained(tmp_path / "model")
    words = ("method=lottery_ticket", "method.control=layers_permuted", f"model.path={tmp_path}/model")
    (config, *_) = all_composed(*DEMO, *words, f"outputs={tmp_path}")
    with pytest.raises(UserError, match="layers_permuted: a albert has no two layers of the same shape"):
        prepare(config, run_folder(config), Screen())


def test_a_plan_of_rounds_is_refused():
    (config, *_) = all_composed(*DEMO, "method=lottery_ticket")
    with pytest.raises(UserError, match="lottery_ticket takes no target"):
        plans(config, Screen())


def test_a_number_of_rounds_gives_a_run_for_each_and_a_list_those_of_the_list():
    rounds = [one.method.rounds for one in all_composed(*DEMO, "method=lottery_ticket", "method.rounds=3")]
    assert rounds == [[1], [2], [3]]
    (one,) = all_composed(*DEMO, "method=lottery_ticket", "method.rounds=[2]")
    assert runs_of(one) == [(one, [])]
    two = all_composed(*DEMO, "method=lottery_ticket", "method.rounds=[4,2]")
    assert [words for _, words in runs_of(two[0])] == [[]]
    assert [run.method.rounds for run in two] == [[2], [4]]


def test_a_run_without_a_teacher_says_so():
    assert {one.teacher for one in all_composed(*DEMO, "method=lottery_ticket")} == {"none"}
    assert {one.teacher for one in all_composed(*DEMO, "method=hybrid")} == {"dense"}
