"""What each kind of task asks of its fields."""

from __future__ import annotations

from collections.abc import Iterator

from prune.config import probes
from prune.config.keys import NAME, is_name
from prune.config.schema import Config, RerankingLoss, TaskConfig
from prune.runtime import distributed
from prune.runtime.sanitize import shown
from prune.runtime.wording import counted
from prune.tasks.metrics import specs
from prune.validation.names import method_or_none


def fields_of_kind(config: Config) -> Iterator[str]:
    """What each kind of task asks of its fields; that of another package asks by itself."""
    task = config.task
    if task.kind not in _ASKED:
        return
    yield from _ASKED[task.kind](task)
    yield from _probes(task)
    for name, reader in _READERS.items():
        if task.kind != reader and getattr(task, name) != getattr(TaskConfig(), name):
            yield f"task.{name}: read by {reader} only, not by task.kind={task.kind}"


def _label(task: TaskConfig) -> Iterator[str]:
    if not task.label:
        yield "task.label='': name the column with what is to be predicted"


def _texts(task: TaskConfig) -> Iterator[str]:
    yield from _label(task)
    if not 1 <= len(task.text) <= 2:
        yield f"task.text={shown(task.text)}: name one or two text columns"


def _classes(task: TaskConfig) -> Iterator[str]:
    yield from _texts(task)
    if len(task.labels) == 1 or len(set(task.labels)) < len(task.labels):
        yield (
            f"task.labels={shown(task.labels)}: name at least two different labels, in the order of their numbers, or "
            "none: then they are read off the training split"
        )
    if problem := specs.problem_with_labels(task.metrics, len(task.labels)):
        yield problem
    if task.metrics[:1] == [specs.F1_OF_EACH]:
        yield f"task.metrics={shown(task.metrics)}: {specs.F1_OF_EACH} is a value for each label; name another first"


def _probes(task: TaskConfig) -> Iterator[str]:
    every = probes.of_task(task)
    if every and task.kind != "text_classification":
        yield f"task.probes: read by text_classification only, not by task.kind={task.kind}"
    if len({probe.name for probe in every}) < len(every):
        yield "task.probes: two have the same name"
    for probe in every:
        what = f"task.probes: {shown(probe.name)}"
        if not is_name(probe.name):
            yield f"{what}: a name has {NAME}"
        if len(probe.text) != len(task.text):
            yield f"{what} has {counted(len(probe.text), 'text column')}; the task has {len(task.text)}"
        if len(probe.labels) < 2:
            yield f"{what}: name its labels, in the order of their numbers"
        yield from probes.problems_with_labels(probe, task.labels)


def _answers(task: TaskConfig) -> Iterator[str]:
    yield from _label(task)
    answers = task.answers
    if len(task.text) != 2:
        yield f"task.text={shown(task.text)}: name two columns, with the question and with the text"
    room = task.max_length - answers.question_length - 3  # special tokens
    whole, question = f"task.max_length={task.max_length}", f"task.answers.question_length={answers.question_length}"
    if room < 1:
        yield f"{whole} and {question}: no room is left for the text; raise the first, or lower the second"
    elif not 0 <= answers.stride < room:
        yield (
            f"task.answers.stride={answers.stride}: must be at least 0 and below {room}, what {whole} leaves beside a "
            f"question of {question}"
        )


def _summaries(task: TaskConfig) -> Iterator[str]:
    yield from _label(task)
    summaries = task.summaries
    if len(task.text) != 1:
        yield f"task.text={shown(task.text)}: name the column with the text"
    if not 0 <= summaries.min_new_tokens <= summaries.max_new_tokens:
        allowed = f"at least 0, at most task.summaries.max_new_tokens={summaries.max_new_tokens}"
        yield f"task.summaries.min_new_tokens={summaries.min_new_tokens}: must be {allowed}"


def _masked(task: TaskConfig) -> Iterator[str]:
    if len(task.text) != 1:
        yield f"task.text={shown(task.text)}: name the one column with the text"
    if task.label:
        yield f"task.label={shown(task.label)}: masked tokens are predicted, and no column; say task.label=''"


def _embedded(task: TaskConfig) -> Iterator[str]:
    if not 1 <= len(task.text) <= 2:
        yield f"task.text={shown(task.text)}: name one or two text columns"
    if len(task.text) == 1 and task.label:
        yield f"task.label={shown(task.label)} is how alike two texts are, and task.text names one; name two, or say ''"
    if len(task.text) == 1 and task.embeddings.contrastive:
        yield "task.embeddings.contrastive=true: pairs are learned, and task.text names one column; name two"
    if bool(task.retrieval.corpus) != bool(task.retrieval.relevance):
        yield "task.retrieval: name both, corpus and relevance, or neither"
    if task.weights:
        yield "task.weights: embeddings have no exemplars; say task.weights=''"
    searches = not task.label and (len(task.text) == 2 or task.retrieval.corpus)
    what = "pairs with a label" if task.label else "a search" if searches else "texts alone"
    known = _METRICS_OF_EMBEDDINGS[what]
    if unfit := [name for name in task.metrics if name not in known]:
        yield f"task.metrics: {', '.join(map(shown, unfit))}: the metrics of {what} are {', '.join(known)}"


def _reranked(task: TaskConfig) -> Iterator[str]:
    yield from _label(task)
    if len(task.text) != 2:
        yield f"task.text={shown(task.text)}: name two columns, with the query and with the document"
    if task.weights and task.reranking.loss is RerankingLoss.listwise:
        yield "task.weights: lists of candidates cannot be weighted; say task.reranking.loss=binary, or task.weights=''"


def whole_batches(config: Config) -> Iterator[str]:
    """Losses that compare the texts of a batch, which several processes would part."""
    task = config.task
    pairs = task.kind == "embedding" and task.embeddings.contrastive
    lists = task.kind == "reranking" and task.reranking.loss is RerankingLoss.listwise
    if (pairs or lists) and (number := distributed.world_size()) > 1:
        yield f"task.kind={task.kind}: its loss compares the texts of a batch, which {number} processes part; start one"


def teachers(config: Config) -> Iterator[str]:
    """Nothing to learn from: neither labels nor a teacher."""
    if config.task.kind != "embedding" or config.task.embeddings.contrastive:
        return
    method = method_or_none(config)
    if config.teacher == "none" or (method is not None and not method.has_teacher):
        why = "teacher=none" if config.teacher == "none" else f"method={config.method.name} has no teacher"
        yield f"{why}: texts are learned from a teacher alone; or learn pairs (task.embeddings.contrastive=true)"
    stays = "the unpruned embedder stays as it is; learn pairs (task.embeddings.contrastive=true)"
    if not config.model.pretrained:
        yield f"model.pretrained=false: {stays}"
    if config.schedule.budget_flops or config.schedule.budget_seconds:
        yield f"schedule.budget_*: {stays}"
    if config.schedule.eval_every is not None and config.task.metrics == [specs.AGREEMENT]:
        yield f"schedule.eval_every: {specs.AGREEMENT} is known of finished models only; say null"


_METRICS_OF_EMBEDDINGS = {
    "pairs with a label": ("spearman", "pearson"),
    "a search": ("recall@10", "recall@1", "mrr@10", "ndcg@10"),
    "texts alone": (specs.AGREEMENT,),
}
_ASKED = {
    "embedding": _embedded,
    "text_classification": _classes,
    "text_regression": _texts,
    "question_answering": _answers,
    "summarization": _summaries,
    "masked_language_modeling": _masked,
    "reranking": _reranked,
}
_READERS = {
    "labels": "text_classification",
    "class_weights": "text_classification",
    "answers": "question_answering",
    "summaries": "summarization",
    "embeddings": "embedding",
    "retrieval": "embedding",
    "reranking": "reranking",
}
"""Field -> the one kind that reads it."""
