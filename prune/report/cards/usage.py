"""How a model of each kind of task is used, in Python: what its card shows after loading it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

AUTO_CLASSES = {
    "text_classification": "AutoModelForSequenceClassification",
    "question_answering": "AutoModelForQuestionAnswering",
    "summarization": "AutoModelForSeq2SeqLM",
}
PIPELINES = {
    "text_classification": "text-classification",
    "token_classification": "token-classification",
    "text_generation": "text-generation",
    "fill_mask": "fill-mask",
}
"""Kind of task -> its pipeline, of those that are in transformers since version 5."""


def lines_of(task: Mapping[str, Any]) -> str:
    """What `tokenizer` and `model` of a task are for; nothing where its kind is not known here.

    `task` is what a record says of it: texts in it are quoted.
    """
    show = _SHOWN.get(task["kind"])
    return show(task) if show else ""


def _classify(task: Mapping[str, Any]) -> str:
    pair = len(task.get("text") or ()) == 2
    text = '{"text": "One text,", "text_pair": "and another."}' if pair else '"A text to classify."'
    return f"""\
classify = pipeline("{PIPELINES["text_classification"]}", model=model, tokenizer=tokenizer)
print(classify({text}))"""


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


_SHOWN: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "text_classification": _classify,
    "question_answering": _answer,
    "summarization": _summarize,
}
