"""The typed configuration: every field with its meaning, unit and range.

Imports nothing heavy: a mistake in a config is found before torch is loaded.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from prune.config.reference import ReferenceConfig


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
    """What a search looks for."""

    metric = "metric"
    speedup = "speedup"
    both = "both"


NO_GRAIN = "none"


@dataclass
class ModelConfig:
    name: str = ""
    """Short name, used in tables and in the run folder's name."""
    path: str = ""
    """Hub name, local folder, or `pkg://` folder that ships with this package."""
    pretrained: bool = True
    """False: random weights from the folder's config.json, trained from scratch."""
    dense: str | None = None
    """Folder or hub name of a model already fine-tuned on the task; null: fine-tune one."""


@dataclass
class AnswersConfig:
    unanswerable: bool = False
    """Whether some questions have no answer in their text."""
    stride: int = 128
    """Overlap of the windows of a long text, in tokens."""
    question_length: int = 64
    """Longest question in tokens; longer ones are cut, and counted."""
    n_best: int = 20
    """How many first and last tokens of an answer are tried in each window."""
    max_tokens: int = 30
    """Longest answer in tokens."""
    null_threshold: float = 0.0
    """A question counts as unanswerable where the score of no answer exceeds that of the best answer by more."""


@dataclass
class SummariesConfig:
    prefix: str = ""
    """Put before each text: T5 expects "summarize: "."""
    max_label_length: int = 142
    """Longest summary to learn from, in tokens; longer ones are cut."""
    num_beams: int = 6
    """Beams of the search."""
    max_new_tokens: int = 142
    """Longest generated summary, in tokens."""
    min_new_tokens: int = 56
    """Shortest generated summary, in tokens."""
    length_penalty: float = 2.0
    """Exponent of the length by which a beam's log-likelihood is divided."""
    no_repeat_ngram_size: int = 3
    """No sequence of this many tokens occurs twice; 0: any may."""
    early_stopping: bool = True
    """Whether the search ends as soon as there are `num_beams` finished summaries."""


@dataclass
class TaskConfig:
    name: str = ""
    """Short name, used in tables and in the run folder's name."""
    kind: str = "text_classification"
    """File in prune/tasks/ that knows this kind of task."""
    version: int = 1
    """Raised whenever a change to the task makes its scores incomparable with earlier ones."""
    path: str = ""
    """Hub name, local folder with one file per split, or `pkg://` folder."""
    subset: str | None = None
    """Name of the hub data set's configuration; unused for a local folder."""
    text: list[str] = field(default_factory=list)
    """Text columns: one or two to classify (two are encoded as a pair); question and text to answer from."""
    label: str = "label"
    """Column with the label, an integer from 0 to len(labels) - 1; or with the answers: `text` and `answer_start`."""
    labels: list[str] = field(default_factory=list)
    """Names of the labels, in the order of their integers. Read by text_classification."""
    id: str | None = None
    """Column with the examples' ids, which name their predictions; null: the row's number."""
    metrics: list[str] = field(default_factory=lambda: ["accuracy"])
    """Metrics, the main one first; the known ones are in prune/tasks/metrics/."""
    train_split: str = "train"
    """Split to train on: a hub split, or the stem of a file in the folder."""
    eval_splits: list[str] = field(default_factory=lambda: ["validation"])
    """Splits to evaluate on; the main metric is that of the first."""
    max_length: int = 128
    """Longest input in tokens; longer ones are truncated, and counted."""
    train_examples: int | None = None
    """Size of a subset of the training split drawn by the seed; null: all."""
    eval_examples: int | None = None
    """Size of a subset of each evaluation split drawn by the seed; null: all."""
    eval_from_train: int = 0
    """This many training examples, drawn by the seed, are held out and evaluated as a split of their own."""
    answers: AnswersConfig = field(default_factory=AnswersConfig)
    """How answers are found in a text. Read by question_answering."""
    summaries: SummariesConfig = field(default_factory=SummariesConfig)
    """How summaries are generated. Read by summarization."""


@dataclass
class SiteConfig:
    criterion: str = ""
    """What scores a grain: a file in prune/criteria/."""
    grain: str = ""
    """What is kept or removed together: element, block, row, column; head (attention), dimension (feed_forward); none:
    the site stays as it is."""
    block: list[int] = field(default_factory=lambda: [32, 32])
    """Rows and columns of a block; must divide each matrix. Read only where grain is block."""
    penalty_weight: float = 1.0
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
    """File in prune/methods/ that spreads criteria over a model."""
    attention: SiteConfig = field(default_factory=SiteConfig)
    """Criterion and grain for query, key, value and output matrices."""
    feed_forward: SiteConfig = field(default_factory=SiteConfig)
    """Criterion and grain for the two feed-forward matrices."""
    penalty: float = 10.0
    """Weight of the regulariser on scores (lambda), at least 0. Read by soft_movement and l0; with a target it shapes
    the scores, and the target says how many grains stay."""
    density: float = 0.5
    """Fraction of weights kept, in (0, 1]. Read by magnitude, movement and random where there is no target."""
    threshold: float = 0.1
    """Final cut on sigmoid(score), in [0, 1). Read by soft_movement where there is no target."""
    layers: float = 1.0
    """Fraction of the layers of each stack that stay, in (0, 1]: the others are left out before training."""
    importance_examples: int = 2048
    """Training examples from which the importance of units is estimated. Read by one_shot."""
    removal_steps: int = 1
    """Number of steps in which units are removed; importance is estimated anew in each. Read by one_shot."""
    recovery: float = 0.0
    """Share of the fill's training, in [0, 1), that is spent between the removal steps, equally after each but the
    last: importance is then estimated in a model that works again. Read by one_shot, where finish is fill and there are
    several removal steps."""
    refit_examples: int = 512
    """Training examples that output matrices are refitted on. Read by one_shot."""
    scope: Scope = Scope.matrix
    """Whether a density holds in every matrix, or over all matrices of a site."""
    finish: Finish = Finish.compact
    """fold: zeros stay in place; compact: empty heads and dimensions removed; fill: compact, then fine-tune again."""


@dataclass
class ScheduleConfig:
    name: str = ""
    """Short name of the schedule."""
    epochs: float = 3.0
    """Length of the pruning training, in epochs."""
    dense_epochs: float = 3.0
    """Length of the dense model's fine-tuning, in epochs."""
    fill_epochs: float = 1.0
    """Length of the fill, in epochs."""
    batch_size: int = 32
    """Examples per training step."""
    eval_batch_size: int = 64
    """Examples per evaluation step."""
    learning_rate: float = 5e-5
    """Peak learning rate of the weights."""
    fill_learning_rate: float | None = None
    """The same in the fill; null: learning_rate."""
    fill_warmup: Any = None
    """Until the learning rate peaks in the fill: fraction of it or steps; null: warmup."""
    fill_batch_size: int | None = None
    """Examples per training step of the fill; null: batch_size."""
    dropout: float | None = None
    """Probability of all dropouts while pruning and filling, in [0, 1); null: the model's own."""
    score_learning_rate: float = 1e-2
    """Peak learning rate of the scores."""
    weight_decay: float = 0.0
    """AdamW's weight decay of the weights; scores have none."""
    warmup: Any = 0.1
    """Before pruning begins, and until the learning rate peaks: fraction of training (0.1) or "5400 steps"."""
    cooldown: Any = 0.2
    """At the end, with threshold, density and penalty at their final values: fraction or steps."""
    start_from: Start = Start.pretrained
    """Whether pruning starts from the pretrained or from the dense model; one_shot: from the dense model, and from
    scores by the Fisher information of its heads and dimensions, instead of equal ones. Not read by method one_shot."""
    precision: Precision = Precision.auto
    """auto: bfloat16 autocast on GPUs that have it, float32 elsewhere."""
    checkpoint_every: Any = 0.2
    """Interval of the checkpoints from which an interrupted run resumes: fraction of training or steps."""


@dataclass
class DistillationConfig:
    alpha_ce: float = 0.1
    """Weight of the loss against the labels; 1 where there is no teacher."""
    alpha_teacher: float = 0.9
    """Weight of the loss against the teacher's logits."""
    alpha_layers: float = 0.0
    """Weight of the loss against the teacher's hidden states, layer by layer; above 0 the teacher runs at every step,
    which costs a forward pass of it."""
    temperature: float = 2.0
    """Temperature T of the softened distributions, above 0."""


@dataclass
class SpeedConfig:
    batch_sizes: list[int] = field(default_factory=lambda: [1, 32])
    """Batch sizes to time; the table shows the last."""
    length: int | None = None
    """Length in tokens; null: the 95th percentile of the evaluation inputs, rounded up to a multiple of 8."""
    dtype: str = "float32"
    """Number format of the measurement: float32 or bfloat16."""
    device: str = "auto"
    """Device of the measurement: auto, cpu, cuda."""
    pairs: int = 30
    """Number of timed pairs (dense, compact) per batch size."""
    generation_batch_sizes: list[int] = field(default_factory=lambda: [1, 8])
    """Batch sizes to time generation with, where the task generates texts."""
    generated_length: int = 32
    """Tokens that are generated then, and that a decoder reads where one forward pass is timed."""
    generation_pairs: int = 5
    """Number of timed pairs of generations per batch size."""


@dataclass
class CompactConfig:
    round_to: Any = 1
    """Widths (dimensions; heads x their size) are rounded up to a multiple of this, where grains are whole units: the
    best-scored of the removed ones stay. auto: the multiple that is fastest, measured once. Not to be
    combined with a target."""
    during_training: bool = False
    """Whether heads and dimensions that have died are removed at each tenth of the pruning training already, for good.
    Read by methods that train with masks, with criteria soft_movement and l0."""
    first_token_only: bool = True
    """Whether a classifier whose head reads only the first token computes only that one after its last attention with
    heads: the logits are the same, hidden states of other tokens are missing there."""


@dataclass
class TargetConfig:
    """What the result should be: one of these, or a list of values of one, which the run visits in turn."""

    density: Any = None
    """Fraction of the weights of the prunable layers that stay, in (0, 1); where the method fills, with those that it
    frees."""
    params: Any = None
    """Fraction of all parameters that stay, those of embeddings and head included, in (0, 1)."""
    speedup: Any = None
    """How many times faster than the unpruned model, above 1; measured as evaluate.speed says, at its last batch."""
    latency_ms: Any = None
    """Milliseconds for such a batch."""


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
    min_speedup: float | None = None
    """Runs with a smaller measured speed-up do not count; null: any does."""
    max_loss: float | None = None
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
    """How long, and how everything moves."""
    target: TargetConfig = field(default_factory=TargetConfig)
    """What the result should be."""
    teacher: str = "dense"
    """dense, none, or a hub name or folder of a model for the same task."""
    distillation: DistillationConfig = field(default_factory=DistillationConfig)
    """How the student learns from the teacher."""
    compact: CompactConfig = field(default_factory=CompactConfig)
    """How empty units are removed."""
    evaluate: EvaluateConfig = field(default_factory=EvaluateConfig)
    """How the result is measured."""
    search: SearchConfig = field(default_factory=SearchConfig)
    """What a search over runs looks for."""
    seed: int = 0
    """Replicate: seeds data order, subsets, dropout and new weights."""
    outputs: str = "outputs"
    """Folder in which runs and tables go."""
    force: bool = False
    """Repeat a run that is finished."""
    tracking: list[str] = field(default_factory=list)
    """Where the curves of training are shown: tensorboard, wandb, mlflow. Their files go into the run's folder."""
    report: bool = True
    """Write report.html, its figures and the models' cards at the end; `prune report` does so at any time."""
    reference: ReferenceConfig = field(default_factory=ReferenceConfig)
    """What a recipe's author measured or read: compared with this run's result, and changes nothing in it."""
