"""Muon: steps of matrices are orthogonal in blocks; everything else is trained as by AdamW."""

import pytest
import torch
from torch import nn

from prune.anatomy import sublayers_of
from prune.config import DistillationConfig, Precision
from prune.training.distillation import Lesson
from prune.training.muon import Muon, layer_matrices, orthogonal
from prune.training.trainer import Training, train
from tests.architectures import ARCHITECTURES
from tests.runs.tiny import call
from tests.training.test_training import Heard, collate, features, same, weights  # noqa: F401  # a fixture


def random(rows, columns):
    return torch.randn(rows, columns, generator=torch.Generator().manual_seed(0))


def close_to_one(values):
    return bool(((values > 0.6) & (values < 1.3)).all())


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (30, 200), (64, 200)])
def test_a_small_matrix_becomes_orthogonal_as_a_whole(shape):
    for matrix in (random(*shape), random(*shape).t(), random(*shape).t().contiguous()):
        assert orthogonal(matrix).shape == matrix.shape
        assert close_to_one(torch.linalg.svdvals(orthogonal(matrix)))


def test_its_singular_vectors_stay():
    matrix = random(6, 40)
    left, _, right = torch.linalg.svd(matrix, full_matrices=False)
    turned = left.t() @ orthogonal(matrix) @ right.t()
    torch.testing.assert_close(turned, torch.diag(turned.diagonal()), atol=1e-5, rtol=0)


def test_a_large_matrix_becomes_orthogonal_in_blocks_of_its_shorter_side():
    rows = orthogonal(random(150, 300))  # three blocks of 50
    assert all(close_to_one(torch.linalg.svdvals(block)) for block in rows.split(50))
    torch.testing.assert_close(orthogonal(random(150, 300).t().contiguous()), rows.t())
    torch.testing.assert_close(rows[50:100], orthogonal(random(150, 300)[50:100]))


def test_the_last_block_may_be_smaller():
    assert all(close_to_one(torch.linalg.svdvals(block)) for block in orthogonal(random(65, 300)).split(33))


def test_the_size_of_gradients_does_not_matter():
    torch.testing.assert_close(orthogonal(1000 * random(100, 90)), orthogonal(random(100, 90)))


def test_no_gradient_at_all_moves_nothing():
    assert not orthogonal(torch.zeros(5, 9)).any()


def step(optimizer, parameters, gradients):
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.grad = gradient.clone()
    optimizer.step()
    return [parameter.detach().clone() for parameter in parameters]


def test_a_step_of_a_matrix_is_as_large_as_a_step_of_adamw_usually_is():
    matrix = nn.Parameter(torch.zeros(32, 384))
    optimizer = Muon([{"params": [matrix], "orthogonal": True}], lr=0.01, weight_decay=0.0)
    (moved,) = step(optimizer, [matrix], [random(32, 384)])
    assert moved.square().mean().sqrt() == pytest.approx(0.2 * 0.01, rel=0.2)
    assert (moved * random(32, 384)).sum() < 0  # down the slope
    assert matrix.grad is None


def test_weight_decay_of_matrices_is_decoupled():
    matrix = nn.Parameter(torch.ones(2, 2))
    optimizer = Muon([{"params": [matrix], "orthogonal": True}], lr=0.1, weight_decay=0.5)
    (moved,) = step(optimizer, [matrix], [torch.zeros(2, 2)])
    torch.testing.assert_close(moved, torch.full((2, 2), 1 - 0.1 * 0.5))


def test_other_parameters_are_trained_as_by_adamw():
    gradients = [random(4, 3), random(1, 5)]
    ours, theirs = ([nn.Parameter(torch.ones_like(g)) for g in gradients] for _ in range(2))
    matrix = {"params": [nn.Parameter(torch.ones(3, 3))], "orthogonal": True}
    one = Muon([{"params": ours}, matrix], lr=0.1, weight_decay=0.3)
    other = torch.optim.AdamW(theirs, lr=0.1, weight_decay=0.3)
    for _ in range(3):
        for own, their in zip(step(one, ours, gradients), step(other, theirs, gradients), strict=True):
            assert torch.equal(own, their)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_it_is_for_all_that_is_prunable_and_neither_for_embeddings_nor_for_the_head(name):
    model = ARCHITECTURES[name].model()
    taken = {weight.data_ptr() for weight in layer_matrices(model)}
    prunable = {
        model.base_model.get_submodule(matrix.module).weight.data_ptr()
        for sublayer in sublayers_of(model)
        for matrix in sublayer.matrices
    }
    assert prunable <= taken
    inside = {parameter.data_ptr() for parameter in model.base_model.parameters()}
    looked_up = {m.weight.data_ptr() for m in model.modules() if isinstance(m, nn.Embedding)}
    assert taken <= inside - looked_up


def fit(model, rows, folder, **settings):
    values = {"weight_decay": 0.0, "learning_rate": 1e-12, "muon_learning_rate": 1e-2} | settings
    setting = Training("fill", 8, 1, 2, 4, score_learning_rate=0.1, precision=Precision.float32, seed=0, **values)
    torch.manual_seed(0)
    train(model, Lesson(rows), collate, setting, DistillationConfig(), folder, Heard())


def test_in_a_training_it_moves_the_matrices_at_their_own_rate(make_bert, features, tmp_path):  # noqa: F811
    model = make_bert()
    before = weights(model)
    fit(model, features, tmp_path)
    moved = {name for name, value in weights(model).items() if (value - before[name]).abs().max() > 1e-6}
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    assert moved == {names[id(weight)] for weight in layer_matrices(model)}


def test_an_interrupted_training_goes_on_as_if_it_had_not_been(make_bert, features, tmp_path):  # noqa: F811
    once, twice, again = make_bert(), make_bert(), make_bert()
    fit(once, features, tmp_path / "once")
    fit(twice, features, tmp_path / "twice", until=4)
    fit(again, features, tmp_path / "twice")
    assert same(weights(again), weights(once))
    assert not same(weights(twice), weights(once))


def test_the_fill_uses_it_and_no_other_training(tmp_path, monkeypatch):
    seen = {}

    def noted(*arguments):
        seen[arguments[3].name] = arguments[3]
        return []

    monkeypatch.setattr("prune.preparation.train", noted)
    words = (
        "schedule.fill_muon_learning_rate=3e-4",
        "method.removal_steps=2",
        "method.recovery=0.5",
        "method.finish=fill",
    )
    code, _, err = call(f"outputs={tmp_path}", *words, method="one_shot")
    assert code == 0, err
    rates = {name: training.muon_learning_rate for name, training in seen.items()}
    assert rates == {"dense": None, "recover1": None, "fill": 3e-4}


@pytest.mark.parametrize("rate", ["0", "-1", "nan"])
def test_a_rate_must_be_above_zero(tmp_path, rate):
    code, _, err = call(f"outputs={tmp_path}", f"schedule.fill_muon_learning_rate={rate}")
    assert code == 2
    assert "schedule.fill_muon_learning_rate" in err


def test_the_rate_of_everything_else_is_the_fill_s(make_bert, features, tmp_path):  # noqa: F811
    model = make_bert()
    before = weights(model)
    fit(model, features, tmp_path, learning_rate=1e-2, muon_learning_rate=1e-12)
    still = {id(weight) for weight in layer_matrices(model)}
    after = weights(model)
    moved = {name for name in before if (after[name] - before[name]).abs().max() > 1e-6}
    assert "classifier.weight" in moved
    assert not moved & {name for name, parameter in model.named_parameters() if id(parameter) in still}
