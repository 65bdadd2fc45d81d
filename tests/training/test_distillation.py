"""Learning from a teacher: the losses by hand, without padding, and a teacher that is asked at every step."""

import math

import pytest
import torch
from datasets import Dataset
from rich.console import Console

from prune.compaction.compact import compact
from prune.config.schema import DistillationConfig, Precision
from prune.models.architecture import sublayers_of
from prune.runtime.screen import Screen
from prune.training.distillation import (
    Teacher,
    TeacherOutputs,
    TrainingData,
    embedding_distance,
    layer_distance,
    losses,
    part_of,
    pop_teacher_outputs,
    similarity_divergence,
    soft_cross_entropy,
)
from prune.training.trainer import Training, train
from tests.architectures import ARCHITECTURES
from tests.architectures import inputs as inputs_of


def softmax(values, temperature):
    powers = [math.exp(value / temperature) for value in values]
    return [power / sum(powers) for power in powers]


@pytest.mark.parametrize("temperature", [1.0, 2.0, 5.0])
def test_distillation_by_hand(temperature):
    student, teacher = [[1.0, -1.0, 0.5], [0.0, 2.0, 0.0]], [[2.0, 0.0, 1.0], [1.0, 1.0, -3.0]]
    by_hand = 0.0
    for s, t in zip(student, teacher, strict=True):
        for q, p in zip(softmax(s, temperature), softmax(t, temperature), strict=True):
            by_hand += p * math.log(p / q)
    found = soft_cross_entropy(torch.tensor(student), torch.tensor(teacher), temperature)
    assert found.item() == pytest.approx(temperature**2 * by_hand / 2, rel=1e-5)


def test_a_student_like_its_teacher_has_nothing_to_learn():
    logits = torch.randn(4, 3, generator=torch.Generator().manual_seed(0))
    assert soft_cross_entropy(logits, logits + 7.0, 2.0).item() == pytest.approx(0.0, abs=1e-6)


def test_the_distance_of_token_logits_is_the_mean_over_tokens():
    generator = torch.Generator().manual_seed(0)
    student, teacher = torch.randn(2, 5, 3, generator=generator), torch.randn(2, 5, 3, generator=generator)
    flat = soft_cross_entropy(student.flatten(0, 1), teacher.flatten(0, 1), 2.0)
    assert soft_cross_entropy(student, teacher, 2.0).item() == pytest.approx(flat.item())


def test_numbers_are_met_not_softened():
    outputs = {"loss": torch.tensor(3.0), "logits": torch.tensor([[1.0], [4.0]])}
    teacher = TeacherOutputs({"logits": torch.tensor([[2.0], [1.0]])})
    config = DistillationConfig(alpha_ce=0.5, alpha_teacher=1.0)
    terms = losses(outputs, teacher, config, {}, distilled_as="numbers")
    assert {name: term.item() for name, term in terms.items()} == {"labels": 1.5, "teacher": (1 + 9) / 2}


OUTPUTS = {"loss": torch.tensor(3.0), "logits": torch.tensor([[1.0, 0.0]]), "more": torch.tensor([[0.0, 2.0]])}


def test_the_alphas_weigh_the_terms():
    teacher = {"logits": torch.tensor([[0.0, 1.0]])}
    terms = losses(OUTPUTS, TeacherOutputs(teacher), DistillationConfig(alpha_ce=0.25, alpha_teacher=0.5), {})
    distance = soft_cross_entropy(OUTPUTS["logits"], teacher["logits"], 2.0)
    assert {name: term.item() for name, term in terms.items()} == {
        "labels": 0.75,
        "teacher": pytest.approx(0.5 * distance.item()),
    }


def test_several_logits_are_averaged():
    teacher = {"logits": torch.tensor([[0.0, 1.0]]), "more": torch.tensor([[3.0, 1.0]])}
    distances = [soft_cross_entropy(OUTPUTS[name], logits, 2.0).item() for name, logits in teacher.items()]
    terms = losses(OUTPUTS, TeacherOutputs(teacher), DistillationConfig(alpha_teacher=1.0), {})
    assert terms["teacher"].item() == pytest.approx(sum(distances) / 2)


def test_without_a_teacher_the_labels_count_in_full():
    assert losses(OUTPUTS, TeacherOutputs({}), DistillationConfig(alpha_ce=0.1), {}) == {"labels": OUTPUTS["loss"]}


def test_the_teacher_is_taken_out_of_the_batch():
    inputs = {"input_ids": 1, "teacher_logits": 2, "labels": 3}
    assert pop_teacher_outputs(inputs) == TeacherOutputs({"logits": 2})
    assert inputs == {"input_ids": 1, "labels": 3}


LABELS = [[5, 6, 7, 2], [8, 2], [9, 10, 2]]
PADDED = torch.tensor([[*ids, *[-100] * (4 - len(ids))] for ids in LABELS])
SENT_TO_TEACHER = DistillationConfig(alpha_ce=0.1, alpha_teacher=0.5, temperature=2.0)


def test_padding_is_nothing_to_learn_from():
    generator = torch.Generator().manual_seed(0)
    student, teacher = (torch.randn(3, 4, 5, generator=generator) for _ in range(2))
    counted = PADDED != -100
    rows = [(student[i, : len(ids)], teacher[i, : len(ids)]) for i, ids in enumerate(LABELS)]
    unpadded = soft_cross_entropy(*(torch.cat(logits) for logits in zip(*rows, strict=True)), 2.0).item()
    for of_padding in (0.0, 1e4):
        student[~counted] = torch.tensor([of_padding, 0.0, 0.0, 0.0, 0.0])
        outputs = {"loss": torch.tensor(3.0), "logits": student}
        terms = losses(outputs, TeacherOutputs({"logits": teacher}), SENT_TO_TEACHER, {"labels": PADDED})
        assert terms["teacher"].item() == pytest.approx(0.5 * unpadded, rel=1e-5)
        assert terms["labels"].item() == pytest.approx(0.3)
    assert losses(outputs, TeacherOutputs({"logits": teacher}), SENT_TO_TEACHER, {})["teacher"].item() > 100 * unpadded


def test_a_teacher_is_asked_in_evaluation_mode_and_without_gradient(make_bert, ids):
    model = make_bert(hidden_dropout_prob=0.5)
    expected = model(input_ids=ids).logits
    told = Teacher(model.train(), ("logits",))({"input_ids": ids, "labels": torch.tensor([0, 1, 0])})
    assert set(told.logits) == {"logits"}
    assert not told.layers
    torch.testing.assert_close(told.logits["logits"], expected)
    assert expected.requires_grad
    assert not told.logits["logits"].requires_grad


def test_the_distance_of_layers_by_hand():
    """Two layers of the student, four of the teacher: the second and the fourth are theirs."""
    student = [torch.tensor([[[1.0, 2.0], [9.0, 9.0]]]), torch.tensor([[[0.0, 0.0], [9.0, 9.0]]])]
    teacher = [torch.full((1, 2, 2), float(number)) for number in range(4)]
    counted = torch.tensor([[True, False]])
    assert layer_distance(student, teacher, counted).item() == pytest.approx(((0 + 1) / 2 + (9 + 9) / 2) / 2)


def test_where_one_has_the_first_token_only_that_is_compared():
    student, teacher = torch.tensor([[[1.0, 2.0]]]), torch.tensor([[[0.0, 4.0], [9.0, 9.0]]])
    counted = torch.tensor([[True, True]])
    for pair in ((student, teacher), (teacher, student)):
        assert layer_distance(*([one] for one in pair), counted).item() == pytest.approx((1 + 4) / 2)


def test_a_teacher_of_fewer_layers_teaches_each_of_them():
    student = [torch.tensor([[[float(number)]]]) for number in (1, 1, 2, 2)]
    teacher = [torch.tensor([[[float(number)]]]) for number in (1, 2)]
    assert layer_distance(student, teacher, torch.tensor([[True]])).item() == 0.0


@pytest.mark.parametrize("name", sorted(ARCHITECTURES))
def test_layers_are_learned_from_in_every_architecture(name):
    architecture = ARCHITECTURES[name]
    student, teacher = architecture.model(0), architecture.model(1)
    inputs = inputs_of(architecture)
    if architecture.reads_pairs:
        inputs["labels"] = inputs["decoder_input_ids"].masked_fill(torch.arange(5) > 3, -100)
    config = DistillationConfig(alpha_layers=3.0)
    told = Teacher(teacher, ("logits",), layers=True)(inputs)
    assert told.layers
    for model, alike in ((student, False), (teacher, True)):
        outputs = model(**inputs, output_hidden_states=True)
        terms = losses({**outputs, "loss": torch.tensor(0.0)}, told, config, inputs)
        assert (terms["layers"].item() < 1e-8) is alike
    terms["layers"].backward()
    touched = {name for name, p in teacher.named_parameters() if p.grad is not None}
    assert len(touched) > len(told.layers) * 3


def test_padding_says_nothing_of_layers(make_bert, ids):
    inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    inputs["attention_mask"][0, 2:] = 0
    told = Teacher(make_bert(), ("logits",), layers=True)(inputs)
    for layer in told.layers["hidden_states"]:
        layer[0, 2:] = 1e6
    outputs = make_bert()(**inputs, output_hidden_states=True)
    terms = losses({**outputs, "loss": torch.tensor(0.0)}, told, DistillationConfig(alpha_layers=1.0), inputs)
    assert terms["layers"].item() < 1e-8


def test_training_on_texts_asks_the_teacher_and_leaves_padding_out(tmp_path):
    bart = ARCHITECTURES["bart"]
    model, teacher = (bart.model(seed, dropout=0.0) for seed in (0, 1))
    ids = torch.randint(3, 50, (3, 7), generator=torch.Generator().manual_seed(0))
    logits = [
        torch.cat([one(input_ids=ids[i : i + 1], labels=torch.tensor([LABELS[i]])).logits[0] for i in range(3)])
        for one in (model, teacher)
    ]
    distance = soft_cross_entropy(*logits, 2.0).item()
    rows = Dataset.from_dict({"input_ids": ids.tolist(), "labels": PADDED.tolist(), "length": [7] * 3})
    setting = Training("dense", 1, 0, 1, 3, 1e-3, 1e-3, 0.0, Precision.float32, 0)
    history = train(
        model,
        TrainingData(rows, Teacher(teacher, ("logits",))),
        lambda batch: {name: torch.tensor([row[name] for row in batch]) for name in ("input_ids", "labels")},
        setting,
        SENT_TO_TEACHER,
        tmp_path,
        Screen(Console(quiet=True)),
    )
    assert history[0]["teacher_loss"] == pytest.approx(0.5 * distance, rel=1e-4)
    assert history[0]["loss"] == pytest.approx(history[0]["teacher_loss"] + history[0]["labels_loss"], rel=1e-5)


@pytest.mark.parametrize("number", [1, 2, 3, 4])
@pytest.mark.parametrize(("family", "first_token_only"), [("bert", False), ("bert", True), ("t5", False)])
def test_the_mean_over_processes_is_the_loss_of_the_whole_batch(family, first_token_only, number):
    """Three examples, of which one process may have none, with padding on both sides of a model that writes."""
    architecture = ARCHITECTURES[family]
    model, config = architecture.model(), DistillationConfig(alpha_layers=1.0)
    compact(model, sublayers_of(model), first_token_only=first_token_only)
    teacher = Teacher(architecture.model(seed=1), ("logits",), layers=True)
    batch = inputs_of(architecture) | {"labels": torch.tensor([0, 1, 1])}
    if architecture.reads_pairs:
        batch["labels"] = torch.randint(3, 50, (3, 5), generator=torch.Generator().manual_seed(1))
        batch["labels"][1, 2:] = -100

    def terms(place, number):
        part, share = part_of(batch, place, number)
        with torch.no_grad():
            found = losses(model(**part, output_hidden_states=True), teacher(part), config, part, share)
        return torch.stack([found[name] for name in ("labels", "teacher", "layers")])

    of_all = torch.stack([terms(place, number) for place in range(number)]).mean(0)
    assert of_all.tolist() == pytest.approx(terms(0, 1).tolist(), rel=1e-4)
    assert sum(len(part_of(batch, place, number)[0]["input_ids"]) for place in range(number)) == max(3, number)


def test_the_distance_of_embeddings_is_relative_to_their_length():
    teacher = torch.tensor([[3.0, 4.0], [0.0, 2.0]])
    student = torch.tensor([[3.0, 3.0], [1.0, 2.0]])
    assert embedding_distance(student, teacher, 0.0, 1.0).item() == pytest.approx((1 / 25 + 1 / 4) / 2)
    assert embedding_distance(teacher, teacher, 1.0, 0.05).item() == pytest.approx(0.0, abs=1e-6)


def test_the_divergence_of_similarities_by_hand():
    """Of three texts each has two others; cosines of the student 0, 0, 1, of the teacher 1, 0, 0."""
    student = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 2.0]])
    teacher = torch.tensor([[1.0, 0.0], [3.0, 0.0], [0.0, 1.0]])
    high = math.e / (1 + math.e)
    one = high * math.log(high / 0.5) + (1 - high) * math.log((1 - high) / 0.5)  # the first text
    two = (2 * high - 1) * math.log(high / (1 - high))  # the second, whose neighbours change places
    three = 0.5 * math.log(0.5 / high) + 0.5 * math.log(0.5 / (1 - high))
    assert similarity_divergence(student, teacher, 1.0).item() == pytest.approx((one + two + three) / 3, rel=1e-5)


def test_a_teacher_of_another_width_teaches_similarities_alone():
    teacher, student = torch.randn(5, 8), torch.randn(5, 3)
    found = embedding_distance(student, teacher, 2.0, 0.5)
    assert found.item() == pytest.approx(2 * similarity_divergence(student, teacher, 0.5).item())
    assert similarity_divergence(student[:1], teacher[:1], 0.5).item() == 0.0


def test_without_labels_the_teacher_is_all_there_is():
    outputs, teacher = {"embeddings": torch.ones(2, 3)}, TeacherOutputs({"embeddings": torch.ones(2, 3)})
    assert list(losses(outputs, teacher, DistillationConfig(), {}, distilled_as="embeddings")) == ["teacher"]
