import copy

import pytest
import torch
from torch import nn

from prune.criteria import of_masks
from prune.masking.attach import attach, fold, masks_of
from prune.masking.grains import GRAINS
from prune.masking.linear import MaskedLinear
from prune.runtime import registry
from tests.operations import Counted

CRITERIA = {name: registry.module("criteria", name).CRITERION for name in of_masks()}
LEARNED = [name for name, criterion in CRITERIA.items() if criterion.learned]
CUT = [name for name, criterion in CRITERIA.items() if criterion.setting != "penalty"]
PRUNABLE = ["attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"]
PRUNABLE += ["intermediate.dense", "output.dense"]


def logits_of(model, ids):
    with torch.no_grad():
        return model(input_ids=ids).logits


@pytest.mark.parametrize("grain", GRAINS)
def test_every_prunable_matrix_is_masked_and_no_other(grain, make_bert, mask):
    model = make_bert()
    mask(model, grain=grain)
    found = [name for name, module in model.named_modules() if isinstance(module, MaskedLinear)]
    plain = [name for name, module in model.named_modules() if type(module) is nn.Linear]
    assert found == [f"bert.encoder.layer.{index}.{name}" for index in range(2) for name in PRUNABLE]
    assert plain == ["bert.pooler.dense", "classifier"]


def test_the_parameters_of_the_model_stay_the_same_objects_under_the_same_names(make_bert, mask):
    model = make_bert()
    before = dict(model.named_parameters())
    mask(model)
    after = {name: parameter for name, parameter in model.named_parameters() if not name.startswith("masks.")}
    assert list(after) == list(before)
    assert all(after[name] is before[name] for name in before)


@pytest.mark.parametrize("grain", ["element", "block", "head", "dimension"])
@pytest.mark.parametrize("criterion", CUT)
def test_masks_change_nothing_before_the_schedule_begins(criterion, grain, make_bert, mask, ids):
    model = make_bert()
    before = logits_of(model, ids)
    masks = mask(model, criterion, grain)
    masks.advance(0.0)
    torch.testing.assert_close(logits_of(model, ids), before)
    assert masks.densities() == {"attention": 1.0, "feed_forward": 1.0}


@pytest.mark.parametrize("criterion", CRITERIA)
def test_each_forward_pass_uses_the_present_scores(criterion, make_bert, mask, shuffle, ids):
    model = make_bert()
    masks = mask(model, criterion, "block", density=0.5, threshold=0.5)
    before = logits_of(model, ids)
    shuffle(masks)
    masks.advance(1.0)
    assert not torch.allclose(logits_of(model, ids), before, atol=1e-3)


@pytest.mark.parametrize("grain", GRAINS)
@pytest.mark.parametrize("criterion", LEARNED)
def test_gradients_reach_every_score(criterion, grain, make_bert, mask, ids):
    model = make_bert()
    masks = mask(model, criterion, grain)
    model(input_ids=ids).logits.pow(2).sum().backward()
    assert all(scores.grad.ne(0).all() for scores in masks.parameters())


@pytest.mark.parametrize("examples", [1, 3])  # 7 tokens, fewer than any side of a weight, and 21
@pytest.mark.parametrize("grain", ["element", "block", "head", "dimension"])
def test_gradient_of_the_scores_is_the_formula_in_the_whole_model(grain, examples, make_bert, mask, ids):
    model, dense = make_bert(), make_bert()
    masks = mask(model, "movement", grain)
    for one in (model, dense):
        one(input_ids=ids[:examples]).logits.pow(2).sum().backward()
    for bank in masks.banks.values():
        expected = [torch.zeros_like(scores) for scores in bank.scores]
        for index, sublayer in enumerate(bank.sublayers):
            for number, matrix in enumerate(sublayer.matrices):
                weight = dense.bert.get_submodule(matrix.module).weight
                rows, columns = bank.shapes[number]
                terms = (weight.grad * weight.detach()).view(rows, matrix.rows // rows, columns, -1).sum((1, 3))
                shared = bank.grain.whole_units
                expected[0 if shared else number][index] += terms.flatten() if shared else terms
        for scores, wanted in zip(bank.scores, expected, strict=True):
            torch.testing.assert_close(scores.grad, wanted, rtol=1e-4, atol=1e-5 * wanted.abs().max().item())


@pytest.mark.parametrize("grain", GRAINS)
def test_the_number_of_operations_that_masks_add_does_not_grow_with_the_layers(grain, make_bert, mask, ids):
    """A GPU waits for each to be started."""

    def number(num_layers, masked):
        model = make_bert(num_hidden_layers=num_layers)
        if masked:
            mask(model, grain=grain).advance(1.0)
        with Counted() as counted:
            model(input_ids=ids).logits.sum().backward()
        return counted.number

    few, many = (number(layers, True) - number(layers, False) for layers in (2, 4))
    assert few == many


def test_scores_are_saved_once(make_bert, mask):
    model = make_bert()
    dense = set(model.state_dict())
    mask(model, grain="block")
    numbers = {"attention": 4, "feed_forward": 2}
    scores = {f"masks.banks.{site}.scores.{index}" for site, number in numbers.items() for index in range(number)}
    assert set(model.state_dict()) - dense == scores | {f"masks.banks.{site}.cuts" for site in numbers}


@pytest.mark.parametrize("grain", ["element", "block", "head", "dimension"])
@pytest.mark.parametrize("criterion", CRITERIA)
def test_state_dict_round_trip_gives_equal_logits(criterion, grain, make_bert, mask, shuffle, ids):
    model, other = make_bert(seed=0), make_bert(seed=1)
    masks, others = mask(model, criterion, grain), mask(other, criterion, grain, seed=1)
    shuffle(masks)
    masks.advance(0.7)
    other.load_state_dict(model.state_dict())
    if CRITERIA[criterion].setting == "threshold":  # thresholds follow from the schedule, cuts are saved
        others.advance(0.7)
    assert logits_of(other, ids).equal(logits_of(model, ids))


def test_l0_gates_are_sampled_in_training_only(make_bert, mask, ids):
    model = make_bert(hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
    mask(model, "l0", "block")
    assert logits_of(model, ids).equal(logits_of(model, ids))
    model.train()
    assert not logits_of(model, ids).equal(logits_of(model, ids))


def test_a_matrix_of_another_shape_is_refused(make_bert, sublayers, site):
    model, wider = make_bert(), make_bert(intermediate_size=32)
    sites = {"attention": site(), "feed_forward": site()}
    with pytest.raises(ValueError, match=r"intermediate.dense has shape \(24, 16\), its family says \(32, 16\)"):
        attach(model, model.bert, sublayers(wider), sites, seed=0)


def test_a_site_without_sublayers_is_refused(make_bert, sublayers, site):
    model = make_bert()
    only_attention = [s for s in sublayers(model) if s.site == "attention"]
    with pytest.raises(ValueError, match="no sublayer for feed_forward"):
        attach(model, model.bert, only_attention, {"attention": site(), "feed_forward": site()}, seed=0)


def test_masks_of_finds_what_attach_returned(make_bert, mask):
    model = make_bert()
    assert mask(model) is masks_of(model)


@pytest.mark.parametrize("examples", [1, 3])  # 7 tokens, fewer than any side of a weight, and 21
@pytest.mark.parametrize("grain", GRAINS)
@pytest.mark.parametrize("criterion", CRITERIA)
def test_fold_keeps_the_logits_and_leaves_a_plain_model(criterion, grain, examples, make_bert, mask, shuffle, ids):
    model, ids = make_bert(), ids[:examples]
    keys = set(model.state_dict())
    masks = mask(model, criterion, grain, density=0.4, threshold=0.4)
    shuffle(masks)
    masks.advance(1.0)
    before = logits_of(model, ids)
    fold(model)
    assert set(model.state_dict()) == keys
    assert not any(isinstance(module, MaskedLinear) for module in model.modules())
    assert not any(module._forward_pre_hooks or module._forward_hooks for module in model.modules())
    torch.testing.assert_close(logits_of(model, ids), before, rtol=1e-6, atol=1e-6)


def test_fold_in_training_uses_the_masks_of_evaluation(make_bert, mask, shuffle, ids):
    model = make_bert()
    shuffle(mask(model, "l0", "block"))
    before = logits_of(model, ids)
    fold(model.train())
    torch.testing.assert_close(logits_of(model.eval(), ids), before, rtol=1e-6, atol=1e-6)


def test_fold_sets_removed_weights_and_biases_to_zero(make_bert, site, sublayers):
    model = make_bert()
    sites = {"attention": site(grain="head"), "feed_forward": site(grain="dimension")}
    masks = attach(model, model.bert, sublayers(model), sites, seed=0)
    masks.banks["attention"].scores[0].data[0, 1] = -9.0
    masks.advance(1.0)
    fold(model)
    query, output = (
        model.bert.encoder.layer[0].attention.get_submodule(name) for name in ("self.query", "output.dense")
    )
    zero = [4 <= unit < 8 for unit in range(16)]
    assert query.weight.eq(0).all(1).tolist() == query.bias.eq(0).tolist() == zero
    assert output.weight.eq(0).all(0).tolist() == zero
    assert output.bias.ne(0).all()


def counted_refreshes(masks, monkeypatch):
    calls = []
    refresh = masks.refresh
    monkeypatch.setattr(masks, "refresh", lambda: calls.append(refresh()))
    return calls


def test_masks_are_computed_once_in_each_forward_pass(make_bert, mask, ids, monkeypatch):
    model = make_bert()
    calls = counted_refreshes(mask(model), monkeypatch)
    for number in (1, 2):
        model(input_ids=ids)
        assert len(calls) == number


def test_a_part_that_is_called_alone_computes_them_too(make_bert, mask, ids, monkeypatch):
    model = make_bert()
    calls = counted_refreshes(mask(model), monkeypatch)
    with pytest.raises(AttributeError):
        model(input_ids=ids, labels="wrong")  # a forward pass that failed leaves nothing behind
    calls.clear()
    model.bert.encoder(torch.zeros(1, 3, 16))
    assert len(calls) == 1


def test_a_copy_has_masks_of_its_own(make_bert, mask, ids):
    model = make_bert()
    mask(model)
    before = logits_of(model, ids)
    again = copy.deepcopy(model)
    for scores in masks_of(again).parameters():
        scores.data.fill_(-9.0)
    masks_of(again).advance(1.0)
    assert not torch.allclose(logits_of(again, ids), before, atol=1e-3)
    assert logits_of(model, ids).equal(before)
    keys = {key for key in model.state_dict() if not key.startswith("masks.")}
    fold(again)
    assert set(again.state_dict()) == keys
    assert not any(module._forward_pre_hooks or module._forward_hooks for module in again.modules())
