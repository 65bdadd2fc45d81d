"""The settings of a run, and of its parts that are neither task nor method."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from prune.config.metadata import NON_NEGATIVE, POSITIVE, PROBABILITY, Range, Role, role, within
from prune.config.model_names import model_name
from prune.config.reference import ReferenceConfig
from prune.config.schema.choices import Objective, Precision, Runtime, SpeedReference, Start
from prune.config.schema.method import MethodConfig
from prune.config.schema.task import TaskConfig
from prune.files.paths import last_part


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
    length: Any = None
    """Length in tokens that texts are cut or padded to; null: the 95th percentile of the evaluation inputs, rounded up
    to a multiple of 8; real: batches of texts of like length, padded to the longest of each only."""
    dtype: str = "float32"
    """Number format of the measurement: float32 or bfloat16."""
    device: str = "auto"
    """Device of the measurement: auto, cpu, cuda."""
    runtime: Runtime = Runtime.torch
    """What runs the models: torch (PyTorch as it is), torch_compile, onnx and onnx_int8 (ONNX Runtime), openvino and
    openvino_int8. In 8 bits the result is evaluated, too."""
    reference: SpeedReference = SpeedReference.same
    """The unpruned model that a target of speed compares with. same: in the same runtime, not in 8 bits; torch: in
    PyTorch as it is, in float32. Both are measured."""
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
