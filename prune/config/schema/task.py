"""The settings of a task."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from prune.config.metadata import NON_NEGATIVE, POSITIVE, Range, Role, role, within
from prune.config.schema.choices import ClassWeights, Pooling, RerankingLoss


@dataclass
class AnswersConfig:
    unanswerable: bool = False
    """Whether some questions have no answer in their text."""
    stride: int = 128
    """Overlap of the windows of a long text, in tokens."""
    question_length: int = field(default=64, metadata=within(POSITIVE))
    """Longest question in tokens; longer ones are cut, and counted."""
    n_best: int = field(default=20, metadata=within(POSITIVE))
    """Candidates for the first and for the last token of an answer, in each window."""
    max_tokens: int = field(default=30, metadata=within(POSITIVE))
    """Longest answer in tokens."""
    null_threshold: float = 0.0
    """No answer is predicted where its score exceeds that of the best answer by more than this."""


@dataclass
class SummariesConfig:
    prefix: str = ""
    """Prepended to each text: T5 expects "summarize: "."""
    max_label_length: int = field(default=142, metadata=within(POSITIVE))
    """Longest summary to learn from, in tokens; longer ones are cut."""
    num_beams: int = field(default=6, metadata=within(POSITIVE))
    """Number of beams."""
    max_new_tokens: int = field(default=142, metadata=within(POSITIVE))
    """Longest generated summary, in tokens."""
    min_new_tokens: int = 56
    """Shortest generated summary, in tokens."""
    length_penalty: float = 2.0
    """Exponent of a beam's length, by which its log-likelihood is divided."""
    no_repeat_ngram_size: int = field(default=3, metadata=within(NON_NEGATIVE))
    """No n-gram of this size occurs twice; 0: no restriction."""
    early_stopping: bool = True
    """Whether the search ends as soon as there are `num_beams` finished summaries."""


@dataclass
class EmbeddingsConfig:
    pooling: Pooling | None = None
    """mean of the tokens, or cls, the first; null: as the model's folder says, or else mean."""
    normalize: bool | None = None
    """Whether embeddings get length 1; null: as the model's folder says, or else true."""
    query_prompt: str | None = None
    """Put before queries; null: what the model's folder says."""
    document_prompt: str | None = None
    """Put before documents; null: what the model's folder says."""
    contrastive: bool = False
    """Whether the two texts of a row are learned as a pair, against all others of the batch. Else a teacher's
    embeddings are all that is learned from."""
    contrastive_temperature: float = field(default=0.05, metadata=within(POSITIVE))
    """What similarities are divided by in that loss."""


@dataclass
class RetrievalConfig:
    corpus: str = ""
    """Split with the documents; empty: the distinct texts of the second column are the documents, and each query's own
    is the relevant one."""
    document_id: str = "_id"
    """Column of the corpus with the documents' ids."""
    document_text: list[str] = field(default_factory=lambda: ["title", "text"])
    """Columns of the corpus with the documents' texts, joined by a space."""
    relevance: str = ""
    """Split that says which documents are relevant to which queries, a row for each pair."""
    relevance_query: str = "query-id"
    """Column of it with the query's id."""
    relevance_document: str = "corpus-id"
    """Column of it with the document's id."""
    relevance_score: str = "score"
    """Column of it with how relevant the document is: above 0 it is; empty: all are."""


@dataclass
class RerankingConfig:
    loss: RerankingLoss = RerankingLoss.binary
    """binary: each document by itself, relevant or not (labels from 0 to 1). squared: the distance from labels that are
    scores, as another model gave them. listwise: the softmax over the candidates of a query."""
    candidates: int = field(default=8, metadata=within(Range(at_least=2)))
    """Candidates of each query in a batch: the most relevant one, and others drawn by the seed. Read by listwise."""


@dataclass
class ProbeConfig:
    name: str = ""
    """Short name, used in tables."""
    path: str = ""
    """Hub name, local folder with a file for the split, or `pkg://` folder."""
    subset: str | None = None
    """Name of the hub data set's configuration; unused for a local folder."""
    split: str = "validation"
    """Split to score."""
    text: list[str] = field(default_factory=list)
    """Text columns, as the task has them."""
    encoding: str = "utf-8"
    """Encoding of CSV and JSON files."""
    label: str = "label"
    """Column with the label: a name, or a whole number from 0."""
    labels: list[str] = field(default_factory=list)
    """Names of the labels, in the order of their numbers."""
    label_of: dict[str, str] = field(default_factory=dict)
    """Label of the task -> the label that it counts as; {}: those of the same name."""
    groups: list[list[str]] = field(default_factory=list)
    """Columns whose values, or pairs of values, are scored apart."""
    id: str | None = None
    """Column with the ids that predictions are saved under; null: the row number."""
    examples: int | None = None
    """Size of a subset drawn by the seed; null: all."""


@dataclass
class TaskConfig:
    name: str = ""
    """Short name, used in tables and in the run folder's name."""
    kind: str = "text_classification"
    """Kind of task: a file of prune/tasks/."""
    version: int = 1
    """Increased whenever a change to the task makes its scores incomparable with earlier ones."""
    path: str = ""
    """Hub name, local folder with one file per split, or `pkg://` folder."""
    subset: str | None = None
    """Name of the hub data set's configuration; unused for a local folder."""
    text: list[str] = field(default_factory=list)
    """Text columns: one or two to classify (two are encoded as a pair); question and text to answer from; else
    one."""
    encoding: str = "utf-8"
    """Encoding of CSV and JSON files."""
    label: str = "label"
    """Column with the label (a name, a whole number from 0, or a boolean) or number; or with the answers: `text` and
    `answer_start`; empty where there is none: masked_language_modeling."""
    labels: list[str] = field(default_factory=list)
    """Names of the labels, in the order of their numbers; []: those of the training split, sorted. Read by
    text_classification."""
    class_weights: ClassWeights = ClassWeights.none
    """balanced: each label counts the same in training, however rare. Read by text_classification."""
    id: str | None = None
    """Column with the ids that predictions are saved under; null: the row number."""
    metrics: list[str] = field(default_factory=lambda: ["accuracy"])
    """Metrics, the main one first; the known ones are in prune/tasks/metrics/."""
    train_split: str = "train"
    """Split to train on: a hub split, or the stem of a file in the folder."""
    eval_splits: list[str] = field(default_factory=lambda: ["validation"])
    """Splits to evaluate on; the main metric is that of the first."""
    max_length: int = field(default=128, metadata=within(Range(at_least=8)))
    """Longest input in tokens; longer ones are truncated, and counted."""
    train_examples: int | None = field(default=None, metadata=within(POSITIVE))
    """Size of a subset of the training split drawn by the seed; null: all."""
    eval_examples: int | None = field(default=None, metadata=within(POSITIVE))
    """Size of a subset of each evaluation split drawn by the seed; null: all."""
    eval_from_train: int = field(default=0, metadata=within(NON_NEGATIVE))
    """Number of training examples, drawn by the seed, that are held out and evaluated as a split of their own."""
    slices: list[str] = field(default_factory=list, metadata=role(Role.annotation))
    """Columns whose values an audit slices the examples by, beside label, length and overlap."""
    weights: str = ""
    """File of an audit (audit.json) over the training split: its exemplars count more in pruning and fill; empty: all
    examples count the same."""
    exemplar_weight: int = field(default=4, metadata=within(POSITIVE))
    """How often exemplars are seen for once that other examples are. Read where there are weights."""
    probes: list[Any] = field(default_factory=list, metadata=role(Role.annotation))
    """Further data sets that dense and pruned models are scored on, beside the metric: names of configs/probe/, YAML
    files like those, or mappings with a `name` and what differs, as {name: hans, path: <folder>}. Read by
    text_classification."""
    answers: AnswersConfig = field(default_factory=AnswersConfig)
    """How answers are found in a text. Read by question_answering."""
    summaries: SummariesConfig = field(default_factory=SummariesConfig)
    """How summaries are generated. Read by summarization."""
    embeddings: EmbeddingsConfig = field(default_factory=EmbeddingsConfig)
    """How texts are embedded. Read by embedding."""
    retrieval: RetrievalConfig = field(default_factory=RetrievalConfig)
    """Where documents and their relevance are found. Read by embedding."""
    reranking: RerankingConfig = field(default_factory=RerankingConfig)
    """How documents are scored. Read by reranking."""
