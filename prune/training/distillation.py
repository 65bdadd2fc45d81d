"""Learning from a teacher: from its logits (Hinton et al. 2015), and from its hidden states (Sun et al. 2019)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import pyarrow.compute as pc
import torch
import torch.nn.functional as F
from datasets import Dataset
from torch import Tensor

from prune.config.schema import DistillationConfig
from prune.data.features import IGNORED

_PREFIX = "teacher_"


def soft_cross_entropy(student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """T^2 KL(softmax(teacher / T) || softmax(student / T)), mean over the batch; logits (batch, ..., classes)."""
    log_student = F.log_softmax(student / temperature, dim=-1).flatten(0, -2)
    log_teacher = F.log_softmax(teacher / temperature, dim=-1).flatten(0, -2)
    return F.kl_div(log_student, log_teacher, reduction="batchmean", log_target=True) * temperature**2


def embedding_distance(student: Tensor, teacher: Tensor, alpha_similarities: float, temperature: float) -> Tensor:
    """How far embeddings (batch, width) are from a teacher's, and how differently they tell texts apart.

    The mean squared distance, relative to the teacher's squared length: twice 1 - cosine where both have length 1. A
    teacher of another width has no part in it. To it comes `alpha_similarities` times the divergence of `similarities`.
    """
    loss = alpha_similarities * similarity_divergence(student, teacher, temperature)
    if student.shape == teacher.shape:
        lengths = teacher.square().sum(-1).clamp(min=1e-12)
        loss = loss + ((student - teacher).square().sum(-1) / lengths).mean()
    return loss


def similarity_divergence(student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """KL(teacher || student) of each text's distribution over the others of the batch, the mean over texts.

    They are softmaxes of cosines divided by `temperature` (similarity distillation: Tejankar et al. 2021, equation 3,
    here within the batch). Embeddings are (batch, width); 0 for a single text.
    """
    if len(student) < 2:
        return student.sum() * 0.0
    first, second = (_log_similarities(one, temperature) for one in (student, teacher))
    return F.kl_div(first, second, reduction="batchmean", log_target=True)


def _log_similarities(embeddings: Tensor, temperature: float) -> Tensor:
    """(batch, batch - 1): of each to the others."""
    unit, number = F.normalize(embeddings, dim=-1), len(embeddings)
    others = ~torch.eye(number, dtype=torch.bool, device=unit.device)
    return F.log_softmax((unit @ unit.T)[others].view(number, number - 1) / temperature, dim=-1)


Distance = Callable[[Tensor, Tensor, DistillationConfig], Tensor]
DISTANCES: Mapping[str, Distance] = {
    "logits": lambda student, teacher, config: soft_cross_entropy(student, teacher, config.temperature),
    "numbers": lambda student, teacher, _: F.mse_loss(student, teacher),
    "embeddings": lambda student, teacher, config: embedding_distance(
        student, teacher, config.alpha_similarities, config.similarity_temperature
    ),
}
"""What a task's outputs are -> how far a student's are from a teacher's (batch, ...), the mean over the batch."""


def with_teacher(features: Dataset, outputs: Mapping[str, Any]) -> Dataset:
    """`features` with the teacher's outputs as columns, computed once: a teacher gives the same every epoch."""
    for name, values in outputs.items():
        features = features.add_column(_PREFIX + name, values)
    return features


_LAYERS = ("hidden_states", "encoder_hidden_states", "decoder_hidden_states")
"""Names of what transformers' models return of their layers: the embeddings, then each layer's output."""


@dataclass(frozen=True)
class TeacherOutputs:
    """What a teacher says about a batch."""

    logits: Mapping[str, Tensor]
    """By the names of the outputs; empty if there is no teacher."""
    layers: Mapping[str, Sequence[Tensor]] = field(default_factory=dict)
    """Name of a stack -> its layers' outputs (batch, tokens, width), where they are to be learned from."""


@dataclass(frozen=True)
class Teacher:
    """A teacher that is asked at every step, where its answers are too large to be kept."""

    model: Any
    names: tuple[str, ...]
    """The outputs to learn from."""
    layers: bool = False
    """Whether its layers are learned from, too."""

    def __post_init__(self) -> None:
        self.model.eval()

    @torch.no_grad()
    def __call__(self, inputs: Mapping[str, Any]) -> TeacherOutputs:
        """Its outputs for a batch."""
        outputs = self.model(**inputs, **({"output_hidden_states": True} if self.layers else {}))
        return TeacherOutputs({name: outputs[name] for name in self.names}, layers_of(outputs) if self.layers else {})


def layers_of(outputs: Mapping[str, Any]) -> dict[str, Sequence[Tensor]]:
    """The outputs of all layers, by stack."""
    return {name: outputs[name][1:] for name in _LAYERS if outputs.get(name) is not None}


def ask(model: Any, inputs: dict[str, Any], teacher: Teacher | None) -> tuple[Mapping[str, Any], TeacherOutputs]:
    """What `model` gives for a batch, and what the teacher does, which may be in the batch already; that is removed."""
    teacher_outputs = pop_teacher_outputs(inputs) if teacher is None else teacher(inputs)
    return model(**inputs, **({"output_hidden_states": True} if teacher_outputs.layers else {})), teacher_outputs


@dataclass(frozen=True)
class TrainingData:
    """What a model is trained on."""

    features: Dataset
    """With what a teacher said, as columns, where that is kept."""
    teacher: Teacher | None = None
    """Asked at every step otherwise."""
    distilled_as: str = "logits"
    """What a teacher's outputs are: one of `DISTANCES`."""

    @cached_property
    def ids(self) -> frozenset[int]:
        """The tokens that its texts use."""
        names = [name for name in self.features.column_names if name.endswith("input_ids")]
        batches = self.features.select_columns(names).with_format("arrow").iter(batch_size=1000)
        columns = (batch[name] for batch in batches for name in names)
        return frozenset().union(
            *(pc.unique(pc.list_flatten(column, recursive=True)).to_pylist() for column in columns)
        )


def pop_teacher_outputs(inputs: dict[str, Any]) -> TeacherOutputs:
    """Removes what the teacher said from a batch and returns it."""
    return TeacherOutputs(
        {key.removeprefix(_PREFIX): inputs.pop(key) for key in list(inputs) if key.startswith(_PREFIX)}
    )


@dataclass(frozen=True)
class LossWeight:
    """How much of a batch a process has, times their number: what weighs its means, so that the mean over processes is
    that of the batch. 1 where the batch is shared equally.
    """

    answers: float | Tensor = 1.0
    """Of what is answered: of examples, or of the tokens that are generated or guessed."""
    tokens: float | Tensor = 1.0
    """Of the tokens that are read."""


def part_of(batch: dict[str, Any], place: int, number: int) -> tuple[dict[str, Any], LossWeight]:
    """The part of a batch that the process at `place` of so many computes; one that counts nothing if none is left."""
    if number == 1:
        return batch, LossWeight()
    part = {name: values[place::number].contiguous() for name, values in batch.items()}
    if place >= len(batch["input_ids"]):
        return {name: values[:1] for name, values in batch.items()}, LossWeight(0.0, 0.0)
    answers, tokens = (number * count(part) / count(batch) for count in (_num_answers, _num_tokens))
    return part, LossWeight(answers, tokens)


def _written(batch: Mapping[str, Tensor]) -> Tensor | None:
    """Which tokens of generated texts are no padding, or are to be guessed (batch, tokens)."""
    labels = batch.get("labels")
    return labels != IGNORED if labels is not None and labels.dim() > 1 else None


def _num_answers(batch: Mapping[str, Tensor]) -> float | Tensor:
    written = _written(batch)
    return float(len(batch["input_ids"])) if written is None else written.sum()


def _num_tokens(batch: Mapping[str, Tensor]) -> float | Tensor:
    return batch["attention_mask"].sum() if "attention_mask" in batch else float(len(batch["input_ids"]))


def losses(
    outputs: Mapping[str, Any],
    teacher_outputs: TeacherOutputs,
    config: DistillationConfig,
    inputs: Mapping[str, Tensor],
    weight: LossWeight = LossWeight(),
    *,
    distilled_as: str = "logits",
) -> dict[str, Tensor]:
    """The weighted terms of the loss: against the labels, where there are any, and against the teacher if there is one.

    `inputs` tell which tokens are no padding: `attention_mask`, and for generated texts and masked tokens, which count
    alone, `labels`, both (batch, tokens). They are the `weight` of a batch.
    """
    if not teacher_outputs.logits:
        return {"labels": weight.answers * outputs["loss"]}
    written = _written(inputs)
    which = slice(None) if written is None else written
    distances = [
        DISTANCES[distilled_as](outputs[name][which].float(), logits[which].float(), config)
        for name, logits in teacher_outputs.logits.items()
    ]
    terms = {"teacher": weight.answers * config.alpha_teacher * torch.stack(distances).mean()}
    if outputs.get("loss") is not None:
        terms = {"labels": weight.answers * config.alpha_ce * outputs["loss"], **terms}
    if teacher_outputs.layers:
        read = inputs["attention_mask"].bool()
        student = layers_of(outputs)
        stacks = [
            layer_distance(student[name], layers, written, LossWeight(weight.answers, weight.answers))
            if written is not None and "decoder" in name
            else layer_distance(student[name], layers, read, weight)
            for name, layers in teacher_outputs.layers.items()
        ]
        terms["layers"] = config.alpha_layers * torch.stack(stacks).mean()
    return terms


def layer_distance(
    student: Sequence[Tensor], teacher: Sequence[Tensor], counted: Tensor, weight: LossWeight = LossWeight()
) -> Tensor:
    """Mean squared difference of hidden states (batch, tokens, width) at the tokens that are `counted` (batch, tokens).

    Of each layer of the student to the one of the teacher at the same share of its depth; the mean over layers. Where
    one of them has only the first token, of that. They are of the `weight` of a batch.
    """
    ratio = len(teacher) / len(student)
    return torch.stack(
        [
            _distance(layer, teacher[max(1, round((number + 1) * ratio)) - 1], counted, weight)
            for number, layer in enumerate(student)
        ]
    ).mean()


def _distance(student: Tensor, teacher: Tensor, counted: Tensor, weight: LossWeight) -> Tensor:
    if student.shape[1] == teacher.shape[1] == counted.shape[1]:
        return weight.tokens * F.mse_loss(student[counted].float(), teacher[counted].float())
    return weight.answers * F.mse_loss(student[:, 0].float(), teacher[:, 0].float())
