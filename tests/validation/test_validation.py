"""The names that are checked before torch is loaded are those of the modules that need it; checks of summaries."""

import pytest
from datasets import Dataset

from prune.config.schema import AnswersConfig, TaskConfig
from prune.inference import needs
from prune.tasks.base import Predictions
from prune.tasks.metrics import classification, correlation, specs
from prune.tasks.question_answering import QuestionAnswering
from prune.validation import values
from tests.config.test_schema import ANSWERS, DEMO, composed, problems

SUMMARIES = ("model=demo", "task=summarization", "task.path=pkg://demo/data")


def test_the_checked_metrics_of_labels_and_numbers_are_those_that_exist():
    assert set(classification.METRICS) == set(specs.NAMES["text_classification"])
    assert set(correlation.METRICS) == set(specs.NAMES["text_regression"])


def test_a_value_for_each_label_is_no_main_metric():
    (problem,) = problems(*DEMO, "task.metrics=[f1_of_each,accuracy]")
    assert problem.endswith("f1_of_each is a value for each label; name another first")
    assert composed(*DEMO, "task.metrics=[accuracy,f1_of_each]").task.metrics[1] == "f1_of_each"


@pytest.mark.parametrize("word", ["labels=[a,b]", "class_weights=balanced"])
def test_settings_of_labels_are_refused_where_nobody_reads_them(word):
    (problem,) = problems("model=demo", "task=text_regression", "task.path=pkg://demo/data", f"task.{word}")
    assert problem.endswith("read by text_classification only, not by task.kind=text_regression")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("task=mlm", "task.text=[]"), "task.text=[]: name the one column with the text"),
        (("task=mlm", "task.text=[a,b]"), "task.text=['a', 'b']: name the one column with the text"),
        (("task=mlm", "task.label=a"), "task.label=a: masked tokens are predicted, and no column; say task.label=''"),
        (("task=mlm", "task.metrics=[f1]"), "task.metrics=f1: not known"),
        (("task=mlm", "task.labels=[a,b]"), "task.labels: read by text_classification only"),
        *(
            (("task=" + one, "task.label=''"), "task.label='': name the column with what is to be predicted")
            for one in ("text_classification", "text_regression", "question_answering", "summarization")
        ),
    ],
)
def test_a_task_has_labels_unless_it_is_of_masked_tokens(words, said):
    (problem,) = problems("model=demo", "task.path=pkg://demo/data", *words)
    assert problem.startswith(said)


@pytest.mark.parametrize("unanswerable", [False, True])
def test_the_checked_metrics_of_answers_are_those_that_a_record_can_be_about(unanswerable):
    task = QuestionAnswering(TaskConfig(label="answers", answers=AnswersConfig(unanswerable=unanswerable)), 0)
    rows = Dataset.from_list([{"answers": {"text": ["tea"], "answer_start": [0]}}])
    scores = task.score(Predictions({"0": "tea"}, {"0": -1.0}), rows)
    kind = "question_answering, unanswerable" if unanswerable else "question_answering"
    of_all_rows = {name for name in scores if not name.startswith(("HasAns_", "NoAns_")) and "thresh" not in name}
    assert of_all_rows == set(specs.NAMES[kind])
    assert all(scores[name] == 1.0 for name in of_all_rows)


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("task.text=[]", "task.text=[]: name the column with the text"),
        ("task.text=[a,b]", "task.text=['a', 'b']: name the column with the text"),
        ("task.summaries.num_beams=0", "task.summaries.num_beams=0: must be above 0"),
        ("task.summaries.max_label_length=0", "task.summaries.max_label_length=0: must be above 0"),
        (
            "task.summaries.min_new_tokens=-1",
            "task.summaries.min_new_tokens=-1: must be at least 0, at most task.summaries.max_new_tokens=142",
        ),
        (
            "task.summaries.max_new_tokens=55",
            "task.summaries.min_new_tokens=56: must be at least 0, at most task.summaries.max_new_tokens=55",
        ),
        ("task.summaries.no_repeat_ngram_size=-1", "task.summaries.no_repeat_ngram_size=-1: must be at least 0"),
        ("task.metrics=[rouge3]", "task.metrics=rouge3: not known"),
        ("evaluate.speed.generated_length=0", "evaluate.speed.generated_length=0: must be above 0"),
        ("evaluate.speed.generation_pairs=0", "evaluate.speed.generation_pairs=0: must be above 0"),
        ("evaluate.speed.generation_batch_sizes=[1,0]", "evaluate.speed.generation_batch_sizes=0: must be above 0"),
    ],
)
def test_an_impossible_value_of_summaries_is_refused(word, said):
    (problem,) = problems(*SUMMARIES, word)
    assert problem.startswith(said)


def test_summaries_without_tokens_are_refused():
    (problem,) = problems(*SUMMARIES, "task.summaries.max_new_tokens=0", "task.summaries.min_new_tokens=0")
    assert problem == "task.summaries.max_new_tokens=0: must be above 0"


@pytest.mark.parametrize("word", ["min_new_tokens=0", "min_new_tokens=142", "no_repeat_ngram_size=0", "num_beams=1"])
def test_a_value_of_summaries_that_is_just_possible_is_taken(word):
    name, value = word.split("=")
    assert getattr(composed(*SUMMARIES, f"task.summaries.{word}").task.summaries, name) == int(value)


@pytest.mark.parametrize(
    ("words", "kind"), [(DEMO, "text_classification"), (ANSWERS, "question_answering")], ids=["labels", "answers"]
)
def test_settings_of_summaries_are_refused_where_nobody_reads_them(words, kind):
    (problem,) = problems(*words, "task.summaries.num_beams=2")
    assert problem == f"task.summaries: read by summarization only, not by task.kind={kind}"


def test_settings_of_answers_are_refused_for_summaries():
    (problem,) = problems(*SUMMARIES, "task.answers.stride=64")
    assert problem == "task.answers: read by question_answering only, not by task.kind=summarization"


@pytest.mark.parametrize("share", ["0", "1.5", "-0.5"])
def test_the_share_of_layers_is_checked(share):
    said = f"method.layers={float(share)}: must be above 0, at most 1"
    assert problems(*DEMO, f"method.layers={share}") == [said]


def test_a_method_that_prunes_nothing_is_refused():
    stay = ("method.attention.grain=none", "method.feed_forward.grain=none")
    said = "method: the grain of both sites is none and method.layers=1, so nothing would be pruned"
    assert problems(*DEMO, *stay) == [said]
    assert composed(*DEMO, *stay, "method.layers=0.5").method.layers == 0.5


def test_layers_that_are_passed_several_times_cannot_be_left_out(tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "albert"}')
    said = problems("task=demo", "method=uniform", f"model.path={tmp_path}")
    assert said == ["method.layers=0.67: no layer of albert can be left out; say 1"]


POOLS = ("method.tokens.operator=top_k", "method.tokens.after=[1]", "method.tokens.keep=[0.5]")
SAID = "method.tokens.after={}, keep={}: "
PAIRED = "say after which layers, as in [2], and the fraction of tokens that goes on, as in [0.5]"
ORDERED = "layers must rise, from 1, and fractions fall"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("method.tokens.after=[]",), SAID.format("[]", "[0.5]") + PAIRED),
        (("method.tokens.after=[1,2]",), SAID.format("[1, 2]", "[0.5]") + PAIRED),
        (("method.tokens.after=[0]",), SAID.format("[0]", "[0.5]") + ORDERED),
        (("method.tokens.after=[2,1]", "method.tokens.keep=[0.5,0.4]"), SAID.format("[2, 1]", "[0.5, 0.4]") + ORDERED),
        (("method.tokens.after=[1,2]", "method.tokens.keep=[0.5,0.5]"), SAID.format("[1, 2]", "[0.5, 0.5]") + ORDERED),
        (("method.tokens.keep=[1]",), "method.tokens.keep=1.0: must be above 0, below 1"),
        (("method.finish=fold",), "method.tokens: with method.finish=fold nothing is removed; say compact or fill"),
        (
            ("distillation.alpha_layers=1",),
            "method.tokens: distillation.alpha_layers compares layers token by token; set it to 0",
        ),
    ],
)
def test_poolings_that_cannot_be_are_refused(words, said):
    assert problems(*DEMO, *POOLS, *words) == [said]


def test_layers_and_shares_without_a_pooling_are_refused():
    said = "method.tokens.after=[1]: read with method.tokens.operator only; say which"
    assert problems(*DEMO, "method.tokens.after=[1]") == [said]


def test_a_method_that_compacts_nothing_pools_no_tokens():
    found = problems("task=demo", "model=demo", "method=lottery_ticket", *POOLS)
    assert "method.tokens: not read by lottery_ticket, but by fine_pruning, one_shot" in found


def test_answers_for_each_token_need_all_of_them():
    found = problems("task=squad", "model=minilm", "method=one_shot", "target.speedup=2", *POOLS)
    said = "task.kind=question_answering has an answer for each token, so none can be left out; say none"
    assert f"method.tokens.operator=top_k: {said}" in found


@pytest.mark.parametrize("name", ["t5", "modernbert", "deberta-v2"])
def test_layers_that_are_told_where_tokens_stand_need_all_of_them(name, tmp_path):
    (tmp_path / "config.json").write_text(f'{{"model_type": "{name}"}}')
    said = f"the layers of a {name} are told where tokens stand, so none can be left out; say none"
    assert f"method.tokens.operator=top_k: {said}" in problems(
        "task=demo", "method=struct", f"model.path={tmp_path}", *POOLS
    )


@pytest.mark.parametrize("length", ["0", "-3", "2.5", "true", "short"])
def test_texts_have_some_length(length):
    (said,) = problems(*DEMO, f"evaluate.speed.length={length}")
    assert said.endswith(": must be a whole number from 1, real, or null")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["runtime=onnx", "dtype=bfloat16"], "runtime=onnx: computes in float32, not in evaluate.speed.dtype=bfloat16"),
        (["runtime=openvino", "device=cuda"], "runtime=openvino: runs on CPUs here, not on evaluate.speed.device=cuda"),
        (["runtime=openvino_int8"], "runtime=openvino_int8 needs nncf: pip install -e '.[openvino]'"),
        (["runtime=torch_compile"], "runtime=torch_compile: torch.compile needs a C++ compiler"),
    ],
)
def test_runtimes_must_be_there_and_run_what_is_asked(words, said, monkeypatch):
    monkeypatch.setattr(needs, "find_spec", lambda name: None if name == "nncf" else object())
    monkeypatch.setattr(needs.shutil, "which", lambda _: None)
    (found,) = problems(*DEMO, *(f"evaluate.speed.{word}" for word in words))
    assert said in found


def test_runtimes_that_are_there_are_allowed(monkeypatch):
    monkeypatch.setattr(needs, "find_spec", lambda _: object())
    assert not list(values.runtime(composed(*DEMO, "evaluate.speed.runtime=openvino", "evaluate.speed.dtype=bfloat16")))


def test_a_reference_needs_the_speed_up_that_it_is_of():
    (said,) = problems(*DEMO, "evaluate.speed.reference=torch")
    assert said == "evaluate.speed.reference=torch: says what target.speedup is over, and none is given"
