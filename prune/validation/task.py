"""What each kind of task asks of its fields."""

from __future__ import annotations

from collections.abc import Iterator

from prune.config.schema import AnswersConfig, Config, SummariesConfig
from prune.runtime.sanitize import shown


def fields_of_kind(config: Config) -> Iterator[str]:
    """What each kind of task asks of its fields."""
    task, answers = config.task, config.task.answers
    if task.kind == "text_classification":
        if not 1 <= len(task.text) <= 2:
            yield f"task.text={shown(task.text)}: name one or two text columns"
        if len(task.labels) < 2:
            yield f"task.labels={task.labels}: name at least two labels, in the order of their integers"
        if "f1" in task.metrics and len(task.labels) > 2:
            yield f"task.metrics={task.metrics}: f1 is of the second of two labels, not of {len(task.labels)}"
    if task.kind == "question_answering":
        if len(task.text) != 2:
            yield f"task.text={shown(task.text)}: name two columns, with the question and with the text"
        room = task.max_length - answers.question_length - 3  # special tokens
        whole, question = (
            f"task.max_length={task.max_length}",
            f"task.answers.question_length={answers.question_length}",
        )
        if room < 1:
            yield f"{whole} and {question}: no room is left for the text; raise the first, or lower the second"
        elif not 0 <= answers.stride < room:
            yield (
                f"task.answers.stride={answers.stride}: must be at least 0 and below {room}, what {whole} leaves "
                f"beside a question of {question}"
            )
    elif answers != AnswersConfig():
        yield f"task.answers: read by question_answering only, not by task.kind={task.kind}"
    if task.kind == "summarization":
        yield from _summaries(config)
    elif task.summaries != SummariesConfig():
        yield f"task.summaries: read by summarization only, not by task.kind={task.kind}"


def _summaries(config: Config) -> Iterator[str]:
    task, summaries = config.task, config.task.summaries
    if len(task.text) != 1:
        yield f"task.text={shown(task.text)}: name the column with the text"
    if not 0 <= summaries.min_new_tokens <= summaries.max_new_tokens:
        allowed = f"at least 0, at most task.summaries.max_new_tokens={summaries.max_new_tokens}"
        yield f"task.summaries.min_new_tokens={summaries.min_new_tokens}: must be {allowed}"
