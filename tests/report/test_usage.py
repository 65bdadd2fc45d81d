"""What a card says of using its model works as it stands, where this package is not installed."""

import re
import subprocess
import sys

import pytest
from transformers.pipelines import SUPPORTED_TASKS

from prune.report.cards.usage import AUTO_CLASSES, PIPELINES, lines_of
from prune.report.cards.write import write_card
from prune.runtime.registry import module, names
from tests.compaction.test_auto_classes import WITHOUT_THIS_PACKAGE
from tests.pruned_folders import save_with_tokenizer
from tests.report.folders import configured, measured, save, with_model

PYTHON = re.compile(r"```python\n(.*?)```", re.DOTALL)
PLACE = "<this folder or repository>"
SUMMARIES = {"prefix": "summarize: ", "num_beams": 2, "max_new_tokens": 5}
MODELS = {
    "text_classification": ("bert", "BertForSequenceClassification", {"text": ["sentence"]}),
    "text_regression": ("bert", "BertForSequenceClassification", {"text": ["first", "second"]}),
    "question_answering": ("distilbert", "DistilBertForQuestionAnswering", {"text": ["question", "context"]}),
    "summarization": ("t5", "T5ForConditionalGeneration", {"text": ["document"], "summaries": SUMMARIES}),
    "embedding": ("bert", "BertModel", {"text": ["text"]}),
    "reranking": ("bert", "BertForSequenceClassification", {"text": ["query", "document"]}),
    "masked_language_modeling": ("bert", "BertForMaskedLM", {"text": ["sentence"]}),
}
PAIR = {"kind": "text_classification", "text": ["premise", "hypothesis"]}


def snippet(folder, kind, task):
    """The Python of the card of a model for a task of this kind."""
    config = configured(20)
    config["task"] |= {"kind": kind} | task
    run = with_model(save(folder, measured(2, config=config), kind), heads=[0], dimensions=[1])
    file = run / "model" / "config.json"
    file.write_text(file.read_text().replace("AutoModelForSequenceClassification", AUTO_CLASSES[kind]))
    (code,) = PYTHON.findall(write_card(run).read_text())
    assert "trust_remote_code=True" in code
    return code


def test_every_kind_of_task_is_shown_and_works_as_it_stands(tmp_path):
    assert sorted(MODELS) == sorted(names("tasks"))
    code = WITHOUT_THIS_PACKAGE
    for kind, (name, model_class, task) in MODELS.items():
        shape = {"num_labels": 1} if kind in ("text_regression", "reranking") else {}
        save_with_tokenizer(name, tmp_path / kind, model_class, **shape)
        code += snippet(tmp_path / "outputs", kind, task).replace(PLACE, str(tmp_path / kind))
        if kind == "text_classification":
            code += "\n".join(lines_of(PAIR).splitlines()[1:]) + "\n"
            by_name = f"pipeline('text-classification', model={str(tmp_path / kind)!r}, trust_remote_code=True)"
            code += f"print({by_name}('a'))\n"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("'score'") == 3 + 5 + 2  # of labels, of masked tokens, of documents
    assert done.stdout.count("'token_str'") == 5
    remarks = [line for line in done.stderr.splitlines() if line and "Loading weights" not in line]
    assert remarks == []


@pytest.mark.parametrize("kind", names("tasks"))
def test_a_task_is_loaded_by_the_class_that_trains_it(kind):
    assert AUTO_CLASSES[kind] == module("tasks", kind).TASK.auto_class


def test_pipelines_are_those_that_transformers_has():
    assert set(PIPELINES.values()) <= set(SUPPORTED_TASKS)
    of_kinds = {kind: kind.replace("_", "-") for kind in names("tasks")}
    named = {kind: name for kind, name in of_kinds.items() if name in SUPPORTED_TASKS}
    assert named.items() <= PIPELINES.items()


def test_a_prefix_of_others_is_quoted():
    prefix = '");\nimport os\n```\n\x1b[2J'
    lines = lines_of({"kind": "summarization", "summaries": {"prefix": prefix, "num_beams": "4, **x"}}).splitlines()
    assert len(lines) == 3
    assert lines[0].startswith('inputs = tokenizer("\\");\\nimport os\\n```\\n\\u001b[2JA long text')
    assert lines[1] == "summary = model.generate(**inputs)"
