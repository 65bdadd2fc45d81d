"""`prune evaluate`: the metrics of finished models, dense and pruned, and what is wrong with what is named."""

import json

import pytest
from transformers import BertConfig, BertForQuestionAnswering, BertForSequenceClassification

from prune.files.paths import PACKAGE
from prune.models import loading
from prune.results.record import Record
from tests.runs.tiny import WORDS, call, folders
from tests.tasks.files import write

DEMO = PACKAGE / "demo" / "model"


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    """Of a tiny run with a dense and a pruned model."""
    outputs = tmp_path_factory.mktemp("outputs")
    code, _, err = call(f"outputs={outputs}", method="one_shot")
    assert code == 0, err
    return outputs


@pytest.fixture
def evaluate(prune):
    """Calls `prune evaluate` on the data of the tiny run."""
    task = [word for word in WORDS if word.startswith("task")]
    return lambda *words: prune("evaluate", *task, *words)


def test_a_finished_model_has_the_scores_of_its_record(outputs, evaluate):
    folder = folders(outputs)["one_shot"]
    record = Record.read(folder / "record.json")
    (dense,) = (outputs / "dense").glob("*/model")
    for model, scores in ((folder / "model", record.scores), (dense, record.dense_scores)):
        code, out, err = evaluate(f"model.path={model}", "format=json")
        assert code == 0, err
        assert json.loads(out) == {"scores": scores}


def test_a_table_for_people(outputs, evaluate):
    (dense,) = (outputs / "dense").glob("*/model")
    code, out, err = evaluate(f"model.path={dense}")
    assert code == 0, err
    assert "validation" in out
    assert "accuracy" in out


def saved(model, tmp_path):
    """A folder with a model, and the demo's tokenizer."""
    model.save_pretrained(tmp_path / "model")
    loading.tokenizer(str(DEMO)).save_pretrained(tmp_path / "model")
    return f"model.path={tmp_path}/model"


def small(**values):
    sizes = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1, "intermediate_size": 8}
    return BertConfig(vocab_size=len(loading.tokenizer(str(DEMO))), **sizes | values)


@pytest.mark.parametrize(
    ("build", "fault"),
    [
        (lambda: BertForQuestionAnswering(small()), "its weights lack bert.pooler"),
        (lambda: BertForSequenceClassification(small(num_labels=3)), "it knows 3 labels, the task demo has 2"),
        (
            lambda: BertForSequenceClassification(small(max_position_embeddings=9, num_labels=2)),
            "the model, a bert, reads 9 at most. Say task.max_length=9",
        ),
    ],
    ids=["another head", "another number of labels", "too few positions"],
)
def test_a_model_of_another_task_is_refused(tmp_path, evaluate, build, fault):
    code, out, err = evaluate(saved(build(), tmp_path))
    assert (code, out) == (2, "")
    assert fault in err


def test_a_pruned_model_of_another_task_is_refused(outputs, prune, tmp_path):
    question = {"id": "a", "question": "what", "context": "a film", "answers": {"text": ["film"], "answer_start": [2]}}
    write(tmp_path / "data" / "validation.jsonl", [question])
    folder = folders(outputs)["one_shot"] / "model"
    short = ["task.max_length=32", "task.answers.question_length=8", "task.answers.stride=4"]
    code, out, err = prune("evaluate", "task=squad", f"task.path={tmp_path}/data", f"model.path={folder}", *short)
    assert (code, out) == (2, "")
    assert "it is a BertForSequenceClassification" in err
    assert "is a BertForQuestionAnswering" in err


def test_a_folder_that_is_not_there(evaluate):
    code, _, err = evaluate("model.path=./nowhere")
    assert code == 2
    assert "model.path=./nowhere: there is no such folder" in err


def test_an_unknown_format(evaluate):
    code, _, err = evaluate("model=demo", "format=jsn")
    assert code == 2
    assert "format=jsn: not known (did you mean 'json'?)" in err
