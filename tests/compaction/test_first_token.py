"""Tokens that nothing reads are left out: the same logits, from less."""

import json

import pytest
import torch

import prune
from prune.budget import cost_model
from prune.budget.budget import time_budget
from prune.budget.latency_table import LatencyTable, kind_of
from prune.compaction import saved_model
from prune.compaction.compact import compact, largest_difference
from prune.compaction.first_token import first_token_suffices
from prune.config.targets import Target
from prune.errors import UserError
from prune.measure.speed import multiply_adds
from prune.models.architecture import skeleton, sublayers_of
from tests.architectures import ARCHITECTURES, NO_TOKENIZER, inputs

READING_ONE = [
    name
    for name, architecture in ARCHITECTURES.items()
    if first_token_suffices(architecture.auto_class, sublayers_of(architecture.model()))
]
LAYERS = 3


def without_heads(name, lost, **shape):
    """A model whose attentions with these numbers have lost all heads."""
    model = ARCHITECTURES[name].model(**shape)
    attentions = [s for s in sublayers_of(model) if s.site == "attention"]
    for number in lost:
        attentions[number].matrices[-1].weight(model.base_model).data.zero_()
    return model


def tokens_seen(model, batch):
    """How many tokens the feed-forward layers are given, first layer first."""
    seen = []
    layers = [s.matrices[0].module for s in sublayers_of(skeleton(model.config)) if s.site == "feed_forward"]
    handles = [
        model.base_model.get_submodule(name).register_forward_hook(lambda _, args, __: seen.append(args[0].shape[1]))
        for name in layers
    ]
    with torch.no_grad():
        model(**batch)
    for handle in handles:
        handle.remove()
    return seen


def test_families_with_berts_head_are_among_those_that_read_one_token():
    assert {"bert", "roberta", "electra", "distilbert", "mpnet", "deberta_v2"} <= set(READING_ONE)
    assert not {"albert", "mobilebert", "modernbert", "gpt2"} & set(READING_ONE)
    sublayers = sublayers_of(ARCHITECTURES["bert"].model())
    assert not first_token_suffices("AutoModelForQuestionAnswering", sublayers)


@pytest.mark.parametrize(("lost", "full"), [((), 2), ((2,), 1), ((1, 2), 1), ((0, 1, 2), 1), ((0, 1), 2)])
@pytest.mark.parametrize("name", READING_ONE)
def test_after_the_last_heads_one_token_is_computed_with_the_same_logits(name, lost, full):
    """`full`: after so many layers. The last heads may be in the second layer at the earliest."""
    batch = inputs(ARCHITECTURES[name])
    before = without_heads(name, lost)
    tokens = tokens_seen(before, batch)[0]
    model = without_heads(name, lost)
    compact(model, sublayers_of(model), first_token_only=True)
    with torch.no_grad():
        assert largest_difference(before(**batch), model(**batch), ("logits",)) < 1e-5
    assert tokens_seen(model, batch) == [tokens] * full + [1] * (LAYERS - full)


@pytest.mark.parametrize("name", READING_ONE)
def test_training_has_the_same_gradients(name):
    model, few = (without_heads(name, (2,)).double() for _ in range(2))
    for one, first_token_only in ((model, False), (few, True)):
        compact(one, sublayers_of(one), first_token_only=first_token_only)
        one(**inputs(ARCHITECTURES[name]), labels=torch.tensor([0, 1, 1])).loss.backward()
    for (parameter, expected), found in zip(model.named_parameters(), few.parameters(), strict=True):
        if expected.grad is not None and expected.numel():
            assert torch.allclose(found.grad, expected.grad, rtol=1e-6, atol=1e-12), parameter


@pytest.mark.parametrize("name", READING_ONE)
def test_it_is_saved_with_the_model(name, tmp_path):
    model, batch = without_heads(name, (2,)), inputs(ARCHITECTURES[name])
    structure = compact(model, sublayers_of(model), first_token_only=True)
    saved_model.save(model, structure, NO_TOKENIZER, tmp_path)
    loaded = prune.load(tmp_path)
    with torch.no_grad():
        assert loaded(**batch).logits.equal(model(**batch).logits)
    assert multiply_adds(loaded, batch) == multiply_adds(model, batch)


def test_a_structure_that_its_family_cannot_have_is_refused(tmp_path):
    model = ARCHITECTURES["modernbert"].model()
    saved_model.save(model, compact(model, sublayers_of(model)), NO_TOKENIZER, tmp_path)
    content = json.loads((tmp_path / "config.json").read_text())
    content["pruned_structure"]["first_token_only"] = True
    (tmp_path / "config.json").write_text(json.dumps(content))
    with pytest.raises(UserError, match="heads of a modernbert read more than the first token"):
        prune.load(tmp_path)


def bert_of(layers):
    return sublayers_of(ARCHITECTURES["bert"].model(num_hidden_layers=layers))


def goal_of(sublayers, speedup, measured=None, stay=frozenset()):
    """Heads take 2 ms, dimensions 0.5 ms, all else 10 ms, of which each layer takes 1; of ten tokens."""
    each_ms = {"attention": 2.0, "feed_forward": 0.5}
    kinds = {kind_of(s): {units: each_ms[s.site] * units for units in (0, s.num_units)} for s in sublayers}
    table = LatencyTable(10.0 + len(sublayers) // 2 * (4 * 2 + 24 * 0.5), kinds, layer_ms=1.0, tokens=10)
    ways = cost_model.latency_cost_models(table, sublayers, sublayers, True)
    ratio = measured or (lambda *_: 1.025 * speedup)
    return time_budget(Target("speedup", speedup), ways, sublayers, stay, table.dense_ms, ratio)


def test_layers_of_one_token_are_almost_free():
    sublayers = bert_of(3)
    budget = goal_of(sublayers, 2.0)
    units = {s.name: s.num_units for s in sublayers}
    assert budget.cost_of(units) == pytest.approx(9 + 3 * 8 + 2 * 12 + 1.2)
    last_has_no_heads = units | {sublayers[4].name: 0}
    assert budget.cost_of(last_has_no_heads) == pytest.approx(8 + 2 * 8 + 12 + 2 * 1.2)
    first_has_heads_alone = last_has_no_heads | {sublayers[2].name: 0}
    assert budget.cost_of(first_has_heads_alone) == pytest.approx(8 + 8 + 12 + 2 * 1.2)


def importance_of(sublayers):
    return {s.name: torch.full((s.num_units,), 1.0 if s.site == "attention" else 2.0) for s in sublayers}


def counts(kept):
    return [len(units) for units in kept.values()]


def test_heads_go_where_that_frees_more_than_they_are_worth():
    """Without those of the last layer, the last two feed-forward layers of four take 2.4 ms together."""
    sublayers = bert_of(4)
    importance = importance_of(sublayers)
    kept = counts(goal_of(sublayers, 2.0).choose(importance))
    assert kept[4] > kept[6] == 0
    assert kept[5] == kept[7] == 24
    importance[sublayers[6].name] *= 100
    assert counts(goal_of(sublayers, 2.0).choose(importance))[6] == 4


def test_the_last_heads_are_in_the_second_half_of_the_layers():
    """Of four layers, in the third or the fourth, whatever little they are worth."""
    sublayers = bert_of(4)
    importance = importance_of(sublayers)
    for number in (4, 6):
        importance[sublayers[number].name] *= 0.0
    budget = goal_of(sublayers, 2.0)
    assert counts(budget.choose(importance))[4] == 1
    assert budget.fixed == pytest.approx(8 + 2)
    with pytest.raises(UserError, match=r"this model can have 1 to 9\.0 times"):
        goal_of(sublayers, 9.5)


def test_which_attention_is_the_last_stays_while_a_budget_is_corrected():
    """The machine is slower than the table says; with so much less, the last heads would go."""
    sublayers, seen = bert_of(4), []
    importance = importance_of(sublayers)
    importance[sublayers[6].name] *= 16

    def measured(kept, _pairs):
        seen.append(len(kept[sublayers[6].name]))
        return 0.9 * 90 / budget.cost_of({name: len(units) for name, units in kept.items()})

    budget = goal_of(sublayers, 2.0, measured)
    kept = budget.choose(importance)
    assert all(seen)
    assert 2.03 <= measured(kept, 15) <= 2.08


def test_heads_that_stay_need_all_tokens_before_them():
    sublayers = bert_of(3)
    budget = goal_of(sublayers, 1.5, stay=frozenset({"attention"}))
    assert budget.fixed == pytest.approx(9 + 3 * 8)
    kept = counts(budget.choose({s.name: torch.ones(s.num_units) for s in sublayers}))
    assert (kept[0], kept[2], kept[4], kept[5]) == (4, 4, 4, 24)
