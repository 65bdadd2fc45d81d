"""Questions about one text, as rows of a data set."""

from dataclasses import replace

from prune.config.schema import AnswersConfig, TaskConfig

TEXT = "the soup was cold but the tea was very warm"
CONFIG = TaskConfig(
    name="menu",
    kind="question_answering",
    text=["question", "context"],
    label="answers",
    metrics=["f1", "exact_match"],
    max_length=16,
    answers=AnswersConfig(stride=4, question_length=4),
)
UNANSWERABLE = replace(CONFIG.answers, unanswerable=True)


def row(*answers, question="soup", context=TEXT, **columns):
    given = {"text": list(answers), "answer_start": [context.find(answer) for answer in answers]}
    return {"question": question, "context": context, "answers": given, **columns}


GOOD = [row("cold"), row("very warm", "warm", question="tea")]
NONE = row(question="cake")


def misplaced(number=1):
    return {**row(), "answers": {"text": ["cold"], "answer_start": [number]}}
