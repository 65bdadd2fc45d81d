"""The typed configuration: every field with its meaning, unit and range.

Imports nothing heavy: a mistake in a config is found before torch is loaded.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from prune.config.metadata import FRACTION, NON_NEGATIVE, POSITIVE, PROBABILITY, Range, Role, role, within
from prune.config.model_names import model_name
from prune.config.reference import ReferenceConfig
from prune.files.paths import last_part


class Finish(str, Enum):
    """How a pruned network is finished."""

    fold = "fold"
    compact = "compact"
    fill = "fill"


class Scope(str, Enum):
    """Among which grains a density is reached."""

    matrix = "matrix"
    site = "site"


class Start(str, Enum):
    """Which weights and scores pruning starts from."""

    pretrained = "pretrained"
    dense = "dense"
    one_shot = "one_shot"


class Precision(str, Enum):
    """Number format of training."""

    auto = "auto"
    float32 = "float32"
    bfloat16 = "bfloat16"


class Objective(str, Enum):
    """The objective."""

    metric = "metric"
    speedup = "speedup"
    both = "both"


class Control(str, Enum):
    """What stands in for a mask or for its weights, to see what either is worth."""

    none = "none"
    random = "random"
    shuffled = "shuffled"
    inverted = "inverted"
    reinitialised = "reinitialised"
    layers_permuted = "layers_permuted"


class RateOf(str, Enum):
    """What a round removes a share of."""

    original = "original"
    remaining = "remaining"


class ClassWeights(str, Enum):
    """How much the examples of each label count."""

    none = "none"
    balanced = "balanced"


class RerankingLoss(str, Enum):
    """How the scores of documents are learned from labels."""

    binary = "binary"
    squared = "squared"
    listwise = "listwise"


class Pooling(str, Enum):
    """How the outputs for the tokens of a text become one vector."""

    mean = "mean"
    cls = "cls"


NO_GRAIN = "none"


@dataclass
class ModelConfig:
    name: str = ""
    """Short name, used in tables and in the run folder's name; empty: the last part of `path`."""
    path: str = ""
    """Hub name, local folder, or `pkg://` folder that ships with this package."""
    pretrained: bool = True
    """False: random weights from the folder's config.json, trained from scratch."""
    shape: dict[str, Any] = field(default_factory=dict)
    """Values that replace those of the folder's config.json, as in `model.shape.num_hidden_layers=4`; with
    pretrained=false. The model is then called bert_base_L4, unless it is given a name."""
    dense: str | None = None
    """Folder or hub name of a model already fine-tuned on the task; null: fine-tune one."""

    def __post_init__(self) -> None:
        self.name = model_name(self.name, last_part(self.path), self.shape)


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


@dataclass
class SiteConfig:
    criterion: str = ""
    """What scores a grain: a file of prune/criteria/."""
    grain: str = ""
    """What is kept or removed together: element, block, row, column; head (attention), dimension (feed_forward); none:
    the site stays as it is."""
    block: list[int] = field(default_factory=lambda: [32, 32])
    """Rows and columns of a block; must divide each matrix. Read only where grain is block."""
    penalty_weight: float = field(default=1.0, metadata=within(NON_NEGATIVE))
    """Share of this site in the penalty, at least 0 (lambda_att and lambda_ffn of the papers)."""

    @property
    def stays(self) -> bool:
        """Whether nothing is pruned at this site."""
        return self.grain == NO_GRAIN


@dataclass
class MethodConfig:
    name: str = ""
    """Short name, used in tables and in the run folder's name."""
    kind: str = "fine_pruning"
    """Kind of method: a file or package of prune/methods/."""
    criterion: str = ""
    """What scores the grains of both sites, where these name no criterion of their own. Read by lottery_ticket and
    at_initialization."""
    attention: SiteConfig = field(default_factory=SiteConfig)
    """Criterion and grain for query, key, value and output matrices."""
    feed_forward: SiteConfig = field(default_factory=SiteConfig)
    """Criterion and grain for the two feed-forward matrices."""
    penalty: float = field(default=10.0, metadata=within(NON_NEGATIVE))
    """Weight of the regulariser on scores (lambda). Read by soft_movement and l0. With a target, it only shapes the
    scores: the target decides how many grains are kept."""
    density: float = field(default=0.5, metadata=within(FRACTION))
    """Fraction of weights kept. Read by magnitude, movement and random, without a target."""
    threshold: float = field(default=0.1, metadata=within(PROBABILITY))
    """Final threshold on sigmoid(score). Read by soft_movement, without a target."""
    layers: float = field(default=1.0, metadata=within(FRACTION))
    """Fraction of the layers of each stack that are kept; the others are dropped before training."""
    importance_examples: int = field(default=2048, metadata=within(POSITIVE))
    """Training examples from which the importance of units is estimated. Read by one_shot, and with
    schedule.start_from=one_shot."""
    removal_steps: int = field(default=1, metadata=within(POSITIVE))
    """Number of steps in which units are removed; importance is estimated again before each. Read by one_shot."""
    recovery: float = field(default=0.0, metadata=within(PROBABILITY))
    """Fraction of the fill's steps that is spent on recovery between the removal steps, in equal parts, so that
    importance is estimated in a model that has recovered. Read by one_shot, with finish=fill and several steps."""
    refit_examples: int = field(default=512, metadata=within(POSITIVE))
    """Training examples on which output matrices are refitted. Read by one_shot."""
    shape: list[Any] = field(default_factory=list)
    """How many heads (attention) and dimensions (feed_forward) each sublayer keeps: a mapping with two lists of numbers
    for each of the removal_steps, one where nothing else has steps. []: as the target allows. Recipes of runs with a
    target of time have it, since another machine would choose another shape."""
    scope: Scope = Scope.matrix
    """Whether the density is reached in each matrix, or over all matrices of a site together."""
    finish: Finish = Finish.compact
    """fold: zeros stay in place; compact: empty heads and dimensions are removed; fill: compact and fine-tune again."""
    rounds: Any = 6
    """Rounds of training, pruning and rewinding: 6 gives a result after each of the rounds 1 to 6, [4, 6] after these.
    Read by lottery_ticket."""
    rate: float = field(default=0.1, metadata=within(Range(above=0, below=1)))
    """Fraction of the weights that each round removes. Read by lottery_ticket."""
    rate_of: RateOf = RateOf.original
    """What `rate` is a fraction of: all prunable weights, or those that remain. Read by lottery_ticket."""
    rewind: Any = "pretrained"
    """Where a round's training begins. pretrained: at the very weights that the dense model's began at; a fraction of
    the dense model's training (0.05) or "100 steps": at its weights then; learning_rate: at the trained weights, with
    the learning rate from its start; none: at the trained weights, with a tenth of the learning rate. Read by
    lottery_ticket."""
    mask: str = ""
    """Folder of a finished run or of its model: its zeros are the mask. Read by fixed_mask."""
    at: Any = 0
    """When weights are scored and removed: 0 (before any training), a fraction of the dense model's training, or
    "100 steps". Read by at_initialization."""
    iterations: int | None = field(default=None, metadata=within(POSITIVE))
    """Steps in which weights are removed, scored anew before each; null: as the criterion's authors have it. Read by
    at_initialization."""
    examples_per_class: int = field(default=10, metadata=within(POSITIVE))
    """Training examples of each label that weights are scored on. Read by lottery_ticket and at_initialization, where
    the criterion needs any."""
    control: Control = Control.none
    """What is put in place of the mask or of its weights. random: a random mask, with the density of the ticket's in
    each matrix; shuffled: the mask, shuffled within each matrix; inverted: the weights that would be removed are kept;
    reinitialised: random weights under the mask; layers_permuted: weights of other layers under it. Read by
    lottery_ticket, fixed_mask and at_initialization."""
    pooler: bool = False
    """Whether the pooler's matrix is pruned, too. Read by lottery_ticket, fixed_mask and at_initialization."""

    def __post_init__(self) -> None:
        for site in (self.attention, self.feed_forward):
            site.criterion = site.criterion or self.criterion


@dataclass
class ScheduleConfig:
    name: str = ""
    """Short name of the schedule."""
    epochs: float = field(default=3.0, metadata=within(POSITIVE))
    """Length of the pruning training, in epochs."""
    dense_epochs: float = field(default=3.0, metadata=within(NON_NEGATIVE))
    """Length of the dense model's fine-tuning, in epochs; not read where there is a budget. 0: it stays as it is, for
    which it must be finished, as an embedder is."""
    budget_flops: float | None = field(default=None, metadata=within(POSITIVE))
    """Floating-point operations of the dense model's training, and of nothing else: it has as many steps as they allow;
    null: dense_epochs. A step has six for each multiply-add of a forward pass."""
    budget_seconds: float | None = field(default=None, metadata=within(POSITIVE))
    """The same as a time on this machine: a few steps are timed before the first, and the number of steps is then
    settled; null: dense_epochs."""
    fill_epochs: float = field(default=1.0, metadata=within(POSITIVE))
    """Length of the fill, in epochs."""
    batch_size: int = field(default=32, metadata=within(POSITIVE))
    """Examples per training step."""
    eval_batch_size: int = field(default=64, metadata=within(POSITIVE))
    """Examples per evaluation step."""
    learning_rate: float = field(default=5e-5, metadata=within(POSITIVE))
    """Peak learning rate of the weights."""
    fill_learning_rate: float | None = field(default=None, metadata=within(POSITIVE))
    """Peak learning rate in the fill; null: learning_rate."""
    fill_warmup: Any = None
    """Warm-up of the learning rate in the fill: fraction or steps; null: warmup."""
    fill_batch_size: int | None = field(default=None, metadata=within(POSITIVE))
    """Examples per training step of the fill; null: batch_size."""
    dropout: float | None = field(default=None, metadata=within(PROBABILITY))
    """Dropout probability everywhere while pruning and filling; null: the model's own."""
    score_learning_rate: float = field(default=1e-2, metadata=within(POSITIVE))
    """Peak learning rate of the scores."""
    weight_decay: float = field(default=0.0, metadata=within(NON_NEGATIVE))
    """Weight decay of AdamW for the weights; scores have none."""
    warmup: Any = 0.1
    """Warm-up, before pruning begins and until the learning rate peaks: fraction of training (0.1) or "5400 steps"."""
    cooldown: Any = 0.2
    """Final part, with threshold, density and penalty at their final values: fraction or steps."""
    start_from: Start = Start.pretrained
    """pretrained, dense: the model that pruning starts from; one_shot: the dense model, with scores initialised by the
    Fisher information of its heads and dimensions. Read by fine_pruning."""
    precision: Precision = Precision.auto
    """auto: bfloat16 autocast on GPUs that have it, float32 elsewhere."""
    checkpoint_every: Any = 0.2
    """Interval of the checkpoints that an interrupted run resumes from: fraction of training or steps."""
    eval_every: Any = None
    """Interval of evaluations on the first evaluation split while a model is trained: fraction of training or steps;
    null: none. They are in the curves, with the compute until then."""


@dataclass
class DistillationConfig:
    alpha_ce: float = field(default=0.1, metadata=within(NON_NEGATIVE))
    """Weight of the loss against the labels; 1 where there is no teacher."""
    alpha_teacher: float = field(default=0.9, metadata=within(NON_NEGATIVE))
    """Weight of the loss against the teacher's logits."""
    alpha_layers: float = field(default=0.0, metadata=within(NON_NEGATIVE))
    """Weight of the loss against the teacher's hidden states, layer by layer; above 0, each step costs a forward pass
    of the teacher."""
    temperature: float = field(default=2.0, metadata=within(POSITIVE))
    """Temperature T of the softened distributions."""
    alpha_similarities: float = field(default=1.0, metadata=within(NON_NEGATIVE))
    """Weight of the loss against the teacher's similarities between the texts of a batch, in its loss of embeddings:
    the divergence of each text's distribution over the others. Read by embedding."""
    similarity_temperature: float = field(default=0.05, metadata=within(POSITIVE))
    """What similarities are divided by in that loss."""


@dataclass
class SpeedConfig:
    batch_sizes: list[int] = field(default_factory=lambda: [1, 32], metadata=within(POSITIVE))
    """Batch sizes to time; the table shows the last."""
    length: int | None = field(default=None, metadata=within(POSITIVE))
    """Length in tokens; null: the 95th percentile of the evaluation inputs, rounded up to a multiple of 8."""
    dtype: str = "float32"
    """Number format of the measurement: float32 or bfloat16."""
    device: str = "auto"
    """Device of the measurement: auto, cpu, cuda."""
    pairs: int = field(default=30, metadata=within(Range(at_least=2)))
    """Number of timed pairs (dense, compact) per batch size."""
    generation_batch_sizes: list[int] = field(default_factory=lambda: [1, 8], metadata=within(POSITIVE))
    """Batch sizes to time generation with, where the task generates texts."""
    generated_length: int = field(default=32, metadata=within(POSITIVE))
    """Tokens that are generated; and tokens that the decoder reads where one forward pass is timed."""
    generation_pairs: int = field(default=5, metadata=within(POSITIVE))
    """Number of timed pairs of generations per batch size."""


@dataclass
class CompactConfig:
    round_to: Any = 1
    """Widths (dimensions; heads x head size) are rounded up to a multiple of this, where grains are whole units: the
    best-scored of the removed units are kept as padding. auto: the fastest multiple, measured once. Cannot be combined
    with a target."""
    first_token_only: bool = True
    """Whether a classifier whose head reads the first token only stops computing the others after the last attention
    with heads. Logits are the same; from there on, the classifier has no hidden states of other tokens."""


@dataclass
class TargetConfig:
    """What the result must be: one of these, or a list of values of one, each of which becomes a run."""

    density: Any = field(default=None, metadata=within(Range(above=0, below=1)))
    """Fraction of the weights of the prunable layers that are kept; with finish=fill, those it frees count, too."""
    params: Any = field(default=None, metadata=within(Range(above=0, below=1)))
    """Fraction of all parameters that are kept, embeddings and head included."""
    speedup: Any = field(default=None, metadata=within(Range(above=1)))
    """Speed-up over the unpruned model, measured as evaluate.speed says, at its last batch size."""
    latency_ms: Any = field(default=None, metadata=within(POSITIVE))
    """Latency of such a batch, in milliseconds."""


@dataclass
class EvaluateConfig:
    speed: SpeedConfig = field(default_factory=SpeedConfig)
    """How speed is measured."""


@dataclass
class SearchConfig:
    """What `prune -m hydra/sweeper=optuna` looks for. Not read by a run: the same one is found in any search."""

    objective: Objective = Objective.both
    """metric: the best main metric; speedup: the greatest measured speed-up; both: every trade between the two that no
    other run beats."""
    min_speedup: float | None = field(default=None, metadata=within(POSITIVE))
    """Runs with a smaller measured speed-up do not count; null: any does."""
    max_loss: float | None = field(default=None, metadata=within(PROBABILITY))
    """Runs whose main metric is worse than the dense model's by more do not count; a fraction (0.01 is one point), or
    null: any does."""


@dataclass
class Config:
    """One run."""

    model: ModelConfig = field(default_factory=ModelConfig)
    """Which network."""
    task: TaskConfig = field(default_factory=TaskConfig)
    """Which task."""
    method: MethodConfig = field(default_factory=MethodConfig)
    """Which method, and how hard it prunes."""
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    """How long training takes, and how pruning proceeds in it."""
    target: TargetConfig = field(default_factory=TargetConfig)
    """What the result must be."""
    teacher: str = "dense"
    """dense, none, or a hub name or folder of a model for the same task."""
    distillation: DistillationConfig = field(default_factory=DistillationConfig)
    """How the student learns from the teacher."""
    compact: CompactConfig = field(default_factory=CompactConfig)
    """How empty units are removed."""
    evaluate: EvaluateConfig = field(default_factory=EvaluateConfig)
    """How the result is measured."""
    search: SearchConfig = field(default_factory=SearchConfig, metadata=role(Role.session))
    """What a search over runs looks for."""
    seed: int = field(default=0, metadata=within(NON_NEGATIVE) | role(Role.replicate))
    """Replicate: seeds data order, dropout and new weights; subsets, too, unless `data_seed` is set."""
    data_seed: int | None = field(default=None, metadata=within(NON_NEGATIVE))
    """Seeds the subsets of examples, so that replicates see the same ones; null: `seed` does."""
    outputs: str = field(default="outputs", metadata=role(Role.session))
    """Folder in which runs and tables go."""
    force: bool = field(default=False, metadata=role(Role.session))
    """Run again although the record is there."""
    tracking: list[str] = field(default_factory=list, metadata=role(Role.session))
    """Where the curves of training are shown: tensorboard, wandb, mlflow. Their files go into the run's folder."""
    report: bool = field(default=True, metadata=role(Role.session))
    """Write report.html, its figures and the models' cards at the end; `prune report` does so at any time."""
    reference: ReferenceConfig = field(default_factory=ReferenceConfig, metadata=role(Role.annotation))
    """What the author of a recipe measured or read; compared with the result, which it does not change."""
