"""How a model of each kind of task is used, in Python: what its card shows after loading it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

AUTO_CLASSES = {
    "text_classification": "AutoModelForSequenceClassification",
    "text_regression": "AutoModelForSequenceClassification",
    "question_answering": "AutoModelForQuestionAnswering",
    "summarization": "AutoModelForSeq2SeqLM",
    "masked_language_modeling": "AutoModelForMaskedLM",
    "embedding": "AutoModel",
    "reranking": "AutoModelForSequenceClassification",
}
SENTENCE_TRANSFORMERS = {
    "embedding": ("SentenceTransformer", "sentence-similarity"),
    "reranking": ("CrossEncoder", "text-ranking"),
}
"""Kinds of task whose models that library loads -> by which class, and what the hub calls what they do."""
PIPELINES = {
    "text_classification": "text-classification",
    "token_classification": "token-classification",
    "text_generation": "text-generation",
    "masked_language_modeling": "fill-mask",
}
"""Kind of task -> its pipeline, of those that are in transformers since version 5."""


def lines_of(task: Mapping[str, Any]) -> str:
    """What `tokenizer` and `model` of a task are for; nothing where its kind is not known here.

    `task` is what a record says of it: texts in it are quoted.
    """
    show = _SHOWN.get(task["kind"])
    return show(task) if show else ""


def _is_pair(task: Mapping[str, Any]) -> bool:
    return len(task.get("text") or ()) == 2


def _classify(task: Mapping[str, Any]) -> str:
    text = '{"text": "One text,", "text_pair": "and another."}' if _is_pair(task) else '"A text to classify."'
    return f"""\
classify = pipeline("{PIPELINES["text_classification"]}", model=model, tokenizer=tokenizer)
print(classify({text}))"""


def _rate(task: Mapping[str, Any]) -> str:
    texts = '"One text,", "and another."' if _is_pair(task) else '"A text to rate."'
    return f"""\
inputs = tokenizer({texts}, return_tensors="pt")
print(model(**inputs).logits.item())"""


def _answer(_task: Mapping[str, Any]) -> str:
    return """\
inputs = tokenizer("Who wrote the notes?", "Ada Lovelace wrote the notes in 1843.", return_tensors="pt")
outputs = model(**inputs)
first, last = outputs.start_logits.argmax(), outputs.end_logits.argmax()
print(tokenizer.decode(inputs["input_ids"][0, first : last + 1]))"""


def _summarize(task: Mapping[str, Any]) -> str:
    settings = task.get("summaries") or {}
    text = json.dumps(f"{settings.get('prefix', '')}A long text to summarize.")
    search = {key: settings[key] for key in ("num_beams", "max_new_tokens") if type(settings.get(key)) is int}
    said = "".join(f", {key}={value}" for key, value in search.items())
    return f"""\
inputs = tokenizer({text}, return_tensors="pt")
summary = model.generate(**inputs{said})
print(tokenizer.decode(summary[0], skip_special_tokens=True))"""


def _fill(_task: Mapping[str, Any]) -> str:
    return f"""\
fill = pipeline("{PIPELINES["masked_language_modeling"]}", model=model, tokenizer=tokenizer)
print(fill(f"A text with a {{tokenizer.mask_token}} in it."))"""


def _embed(_task: Mapping[str, Any]) -> str:
    return """\
embeddings = model.encode(["How tall is the tower?", "The tower is 330 m high.", "Ada wrote the notes."])
print(model.similarity(embeddings, embeddings))"""


def _rerank(_task: Mapping[str, Any]) -> str:
    return """\
documents = ["The tower is 330 m high.", "Ada wrote the notes."]
print(model.rank("How tall is the tower?", documents))"""


_SHOWN: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "text_classification": _classify,
    "text_regression": _rate,
    "question_answering": _answer,
    "embedding": _embed,
    "reranking": _rerank,
    "summarization": _summarize,
    "masked_language_modeling": _fill,
}
