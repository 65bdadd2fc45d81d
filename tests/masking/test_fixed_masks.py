"""Masks that stay: what they remove is exactly zero after every optimizer step, whatever the optimizer does."""

import pytest
import torch

from prune.masking.choice import keep_highest, keep_units, random_like, shuffled
from prune.masking.fixed_masks import held, masks_of_units, named_matrices, nonzero, set_to_zero
from prune.models.architecture import sublayers_of
from tests.architectures import ARCHITECTURES


def random_masks(matrices, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return {name: torch.rand(m.rows, m.columns, generator=generator) < 0.4 for name, m in matrices.items()}


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def train(model, ids, labels, steps=3):
    """AdamW as the trainer has it, after each of whose steps the model is seen."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01, weight_decay=0.1, fused=True)
    for _ in range(steps):
        optimizer.zero_grad()
        model(input_ids=ids, labels=labels).loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 0.1)
        optimizer.step()
        yield


def test_what_is_removed_is_zero_after_every_step_and_the_rest_is_trained(make_bert, ids):
    model = make_bert()
    base, matrices = model.base_model, named_matrices(sublayers_of(model))
    masks, labels = random_masks(matrices), torch.tensor([0, 1, 1])
    before = {name: m.weight(base).detach().clone() for name, m in matrices.items()}
    with held(base, matrices, masks):
        for _ in train(model.train(), ids, labels):
            for name, matrix in matrices.items():
                weight = matrix.weight(base)
                assert torch.equal(weight == 0, ~masks[name])
                assert (weight[masks[name]] != before[name][masks[name]]).all()


def test_afterwards_nothing_is_held(make_bert, ids):
    model = make_bert()
    base, matrices = model.base_model, named_matrices(sublayers_of(model))
    masks = random_masks(matrices)
    with held(base, matrices, masks):
        pass
    for _ in train(model.train(), ids, torch.tensor([0, 1, 1]), steps=1):
        pass
    assert all((matrix.weight(base) != 0).all() for matrix in matrices.values())


def test_a_gradient_that_is_no_number_does_not_reach_what_is_removed(make_bert):
    model = make_bert()
    base, matrices = model.base_model, named_matrices(sublayers_of(model))
    name, matrix = next(iter(matrices.items()))
    masks = random_masks(matrices)
    with held(base, matrices, masks):
        (matrix.weight(base) * float("nan")).sum().backward()
    gradient = matrix.within(base, base.get_submodule(matrix.module).weight.grad)
    assert torch.equal(gradient.isnan(), masks[name])


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_matrix_of_every_family_is_masked_by_itself(name):
    model = ARCHITECTURES[name].model()
    base, matrices = model.base_model, named_matrices(sublayers_of(model))
    masks = random_masks(matrices)
    zeros = sum(int((~mask).sum()) for mask in masks.values())
    numbers = {n: int((p == 0).sum()) for n, p in model.named_parameters()}
    with held(base, matrices, masks):
        assert {n: m.tolist() for n, m in nonzero(base, matrices).items()} == {n: m.tolist() for n, m in masks.items()}
    assert sum(int((p == 0).sum()) - numbers[n] for n, p in model.named_parameters()) == zeros


def test_the_mask_of_units_removes_their_rows_and_columns(make_bert):
    sublayers = sublayers_of(make_bert())
    kept = {s.name: torch.arange(s.num_units) % 2 == 0 for s in sublayers}
    masks = masks_of_units(sublayers, kept)
    query, output = (masks[f"encoder.layer.0.attention.{name}"] for name in ("self.query", "output.dense"))
    assert query.any(1).tolist() == output.any(0).tolist() == ([True] * 4 + [False] * 4) * 2
    assert masks["encoder.layer.1.intermediate.dense"].all(1).tolist() == [True, False] * 12
    assert all(mask.float().mean() == 0.5 for mask in masks.values())


def test_the_highest_of_all_matrices_together_are_kept_as_many_as_the_density_says():
    scores = {"a": torch.tensor([[5.0, 1.0], [4.0, 0.0]]), "b": torch.tensor([[3.0, 2.0]])}
    kept = keep_highest(scores, 0.5)
    assert kept["a"].tolist() == [[True, False], [True, False]] and kept["b"].tolist() == [[True, False]]
    assert sum(int(mask.sum()) for mask in keep_highest(dict.fromkeys("xy", torch.zeros(3, 3)), 0.5).values()) == 9


def test_units_are_kept_by_their_importance_per_weight_as_far_as_the_density_goes():
    importance = {"heads": torch.tensor([8.0, 2.0]), "dimensions": torch.tensor([3.0, 1.5, -torch.inf])}
    sizes = {"heads": 4, "dimensions": 2}  # per weight: 2, 0.5; 1.5, 0.75
    assert {n: v.tolist() for n, v in keep_units(importance, sizes, 0.6).items()} == {
        "heads": [True, False], "dimensions": [True, True, False],
    }  # fmt: skip
    assert keep_units(importance, sizes, 0.5)["dimensions"].tolist() == [True, False, False]
    assert sum(int(v.sum()) for v in keep_units(importance, sizes, 0.01).values()) == 1
    assert not keep_units(importance, sizes, 1.0)["dimensions"][2], "what is gone does not come back"


def test_a_random_mask_has_the_tickets_density_in_every_matrix_and_lies_within_that_of_the_round_before():
    scores = {"a": torch.rand(8, 8, generator=generator()), "b": torch.rand(4, 6, generator=generator(1))}
    first, second = (keep_highest(scores, density) for density in (0.7, 0.3))
    wide, narrow = random_like(first, generator(5)), random_like(second, generator(5))
    for name in scores:
        assert wide[name].sum() == first[name].sum() and narrow[name].sum() == second[name].sum()
        assert not (narrow[name] & ~wide[name]).any()
        assert not torch.equal(wide[name], first[name])
    other = random_like(first, generator(6))
    assert not any(torch.equal(wide[name], other[name]) for name in scores), "another seed, another mask"


def test_a_shuffled_mask_differs_in_every_matrix_and_has_the_density_of_each():
    kept = keep_highest({"a": torch.rand(8, 8, generator=generator()), "b": torch.rand(4, 6)}, 0.4)
    found, other = shuffled(kept, generator(1)), shuffled(kept, generator(2))
    for name, mask in kept.items():
        assert found[name].sum() == mask.sum() and found[name].shape == mask.shape
        assert not torch.equal(found[name], mask) and not torch.equal(found[name], other[name])


def test_what_is_set_to_zero_is_no_negative_zero(make_bert):
    model = make_bert()
    base, matrices = model.base_model, named_matrices(sublayers_of(model))
    set_to_zero(
        base, matrices, {name: torch.zeros(m.rows, m.columns, dtype=torch.bool) for name, m in matrices.items()}
    )
    assert not any(torch.signbit(matrix.weight(base)).any() for matrix in matrices.values())
