"""What queries search: the documents of a split, and which of them are relevant to each query."""

from __future__ import annotations

from collections.abc import Sequence

from datasets import Dataset

from prune.config.schema import TaskConfig
from prune.errors import UserError
from prune.runtime.wording import counted
from prune.tasks.ranking.corpus import Corpus, read_corpus, read_relevance

_RELEVANT, _CORPUS = "relevant_documents", "fingerprint_of_corpus"
"""Columns that queries get."""


class Search:
    """Of the texts in a second column each query's own; or, where `task.retrieval.corpus` names documents, of these
    what `task.retrieval.relevance` says."""

    def __init__(self, config: TaskConfig, remarks: list[str]):
        self.config, self.remarks = config, remarks
        self._corpora: dict[str, Corpus] = {}
        """By their fingerprints."""

    def with_relevant(self, split: str, queries: Dataset, ids: Sequence[str]) -> Dataset:
        """The `queries` of an evaluation split that have a relevant document, with these; others are told in `remarks`.

        Raises:
            UserError: if there are none, or a file is not what it should be.
        """
        if not self.config.retrieval.corpus:
            return queries
        corpus = read_corpus(self.config)
        self._corpora[corpus.fingerprint] = corpus
        relevant = read_relevance(self.config, split, corpus)
        kept = [row for row, id_ in enumerate(ids) if id_ in relevant]
        if not kept:
            raise UserError(f"task {self.config.name}, split {split!r}: no query has a relevant document")
        if lost := [id_ for id_ in ids if id_ not in relevant]:
            which = f"{counted(len(lost), 'row')} without a relevant document left out (the first is {lost[0]})"
            self.remarks.append(f"split {split!r}: {which}")
        queries = queries.select(kept).add_column(_RELEVANT, [sorted(relevant[ids[row]]) for row in kept])
        return queries.add_column(_CORPUS, [corpus.fingerprint] * len(kept))

    def documents(self, queries: Dataset) -> Corpus:
        """What is searched for `queries`."""
        if _CORPUS in queries.column_names:
            return self._corpora[queries[_CORPUS][0]]
        return Corpus.of_texts(queries[self.config.text[1]][:])

    def relevant(self, queries: Dataset) -> list[list[str]]:
        """Ids of the documents that are relevant to each query."""
        if _RELEVANT in queries.column_names:
            found: list[list[str]] = queries[_RELEVANT][:]
            return found
        numbers = {text: str(place) for place, text in enumerate(self.documents(queries).texts)}
        return [[numbers[text]] for text in queries[self.config.text[1]][:]]
