"""The documents that queries search, and which of them are relevant, from files of a task's folder."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

from prune.config.schema import TaskConfig
from prune.data.reading import read_split
from prune.errors import UserError
from prune.runtime.wording import counted


@dataclass(frozen=True)
class Corpus:
    """Documents, by their places."""

    ids: list[str]
    texts: list[str]
    fingerprint: str = ""

    @staticmethod
    def of_texts(texts: Sequence[str]) -> Corpus:
        """Each of `texts` once, called by its place."""
        distinct = list(dict.fromkeys(texts))
        return Corpus([str(place) for place in range(len(distinct))], distinct)


def read_corpus(config: TaskConfig) -> Corpus:
    """The documents of the split that `task.retrieval.corpus` names.

    Raises:
        UserError: if ids repeat, texts are empty, or columns are missing.
    """
    settings = config.retrieval
    rows, where = read_split(config, settings.corpus), f"task.retrieval.corpus={settings.corpus}"
    columns = [name for name in settings.document_text if name in rows.column_names]
    if settings.document_id not in rows.column_names or not columns:
        raise UserError(
            f"{where}: no column {settings.document_id!r}, or none of {', '.join(settings.document_text)}; there are "
            f"{', '.join(rows.column_names)}. Say task.retrieval.document_id= and document_text="
        )
    ids = [str(value) for value in rows[settings.document_id][:]]
    if repeats := len(ids) - len(set(ids)):
        raise UserError(f"{where}: {counted(repeats, 'document')} with the id of an earlier one")
    texts = [" ".join(filter(None, parts)).strip() for parts in zip(*(rows[name][:] for name in columns), strict=True)]
    if empty := [id_ for id_, text in zip(ids, texts, strict=True) if not text]:
        raise UserError(f"{where}: {counted(len(empty), 'document')} without a text, such as {empty[0]}")
    return Corpus(ids, texts, f"{settings.corpus} {hash_of(ids, texts)}")


def read_relevance(config: TaskConfig, split: str, corpus: Corpus) -> dict[str, set[str]]:
    """Query's id -> ids of its relevant documents in `corpus`, of queries that have any.

    Raises:
        UserError: if a column is missing, or a document is not there.
    """
    settings, found = config.retrieval, dict[str, set[str]]()
    name = settings.relevance.replace("{split}", split)
    rows = read_split(config, name)
    needed = [settings.relevance_query, settings.relevance_document, *filter(None, [settings.relevance_score])]
    if missing := [column for column in needed if column not in rows.column_names]:
        raise UserError(
            f"task.retrieval.relevance={name}: there is no column {', '.join(map(repr, missing))}; the columns are "
            f"{', '.join(rows.column_names)}"
        )
    scores = rows[settings.relevance_score][:] if settings.relevance_score else [1] * len(rows)
    for query, document, score in zip(rows[needed[0]][:], rows[needed[1]][:], scores, strict=True):
        if score > 0:
            found.setdefault(str(query), set()).add(str(document))
    if unknown := set().union(*found.values()) - set(corpus.ids):
        raise UserError(
            f"task.retrieval.relevance={name} names {counted(len(unknown), 'document')} that the corpus does not have, "
            f"such as {min(unknown)!r}"
        )
    return found


def hash_of(*lists: Sequence[str]) -> str:
    """What tells texts from others."""
    return hashlib.sha256(json.dumps(lists).encode()).hexdigest()[:32]
