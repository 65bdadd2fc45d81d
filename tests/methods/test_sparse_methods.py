"""Tickets, fixed masks and pruning at initialisation: with what mask and with which weights each training begins."""

import shutil
from dataclasses import dataclass
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import set_seed

from prune.errors import UserError
from prune.masking.fixed_masks import named_matrices, nonzero
from prune.models.permutation import permute_layers
from prune.models.units import by_unit
from prune.pipeline.experiment import prepare
from prune.pipeline.learning import Learning
from prune.pipeline.method import method_of
from prune.pipeline.stages import run_stage
from prune.results.layout import run_folder
from prune.runtime.screen import Screen
from tests.composing import all_composed
from tests.runs.tiny import WORDS, masked_model

TICKET = ("method=lottery_ticket", "method.rate=0.3")
STRUCTURED = ("method=structured_ticket", "method.rate=0.3", "method.importance_examples=16")
AT_START = ("method=at_initialization", "method.criterion=magnitude", "target.density=0.4")
CARRIED = ("method=fixed_mask",)


@dataclass
class Begun:
    """A training that was about to begin."""

    weights: dict
    training: object
    masks: dict
    experiment: object


@pytest.fixture
def begin(finished_runs, tmp_path, monkeypatch):
    """Carries a run out until its model is trained under the mask; nothing is trained."""
    finished_runs.copy_dense(tmp_path)
    seen = []

    def note(self, model, stage, training, data, masks=None, ramp=None):
        base = model.base_model
        seen.append(
            SimpleNamespace(
                weights={name: values.detach().clone() for name, values in model.named_parameters()},
                training=training,
                masks=nonzero(base, named_matrices(self.networks.sublayers)),
            )
        )

    monkeypatch.setattr(Learning, "train", note)

    def run(*words, seed=0):
        config = all_composed(*WORDS, f"outputs={tmp_path}", f"seed={seed}", *words)[-1]
        experiment = prepare(config, run_folder(config), Screen())
        (trained,) = (one for one in method_of(config).result(config).inputs if one.name != "dense")
        for stage in trained.chain():
            run_stage(stage, experiment)
        last = seen[-1]
        return Begun(last.weights, last.training, last.masks, experiment)

    return run


def densities(masks):
    return {name: int(mask.sum()) for name, mask in masks.items()}


def first(experiment):
    """theta_0: what the dense model's training began at."""
    set_seed(experiment.config.seed)
    return dict(experiment.networks.fresh().named_parameters())


def bits(one, other, masks, experiment):
    """Whether two sets of weights are the same, bit for bit, where the masks keep them."""
    model = experiment.networks.random()
    matrices = {
        f"bert.{m.module}.weight": masks[name] for name, m in named_matrices(experiment.networks.sublayers).items()
    }
    assert set(matrices) < {name for name, _ in model.named_parameters()}
    return [
        torch.equal(values[matrices[name]], other[name][matrices[name]]) if name in matrices
        else torch.equal(values, other[name])
        for name, values in one.items()
    ]  # fmt: skip


def test_a_round_removes_the_smallest_trained_weights_and_rewinds_the_others_bit_for_bit(begin):
    ticket = begin(*TICKET, "method.rounds=[1]")
    experiment = ticket.experiment
    assert all(bits(ticket.weights, first(experiment), ticket.masks, experiment))
    dense = experiment.networks.dense(next(iter(method_of(experiment.config).result(experiment.config).inputs)).folder(
        experiment.config
    ))  # fmt: skip
    sizes = {
        name: matrix.weight(dense.base_model).abs()
        for name, matrix in named_matrices(experiment.networks.sublayers).items()
    }
    removed = torch.cat([sizes[name][~mask] for name, mask in ticket.masks.items()])
    kept = torch.cat([sizes[name][mask] for name, mask in ticket.masks.items()])
    assert removed.max() <= kept.min()
    assert len(removed) == round(0.3 * (len(removed) + len(kept)))


def test_of_the_trained_weights_nothing_is_rewound_where_the_learning_rate_is(begin):
    kept = begin(*TICKET, "method.rounds=[1]", "method.rewind=learning_rate")
    experiment = kept.experiment
    dense = dict(experiment.networks.dense(_dense(experiment)).named_parameters())
    assert all(bits(kept.weights, dense, kept.masks, experiment))
    assert kept.training.learning_rate == experiment.config.schedule.learning_rate
    tuned = begin(*TICKET, "method.rounds=[1]", "method.rewind=none")
    assert all(bits(tuned.weights, dense, tuned.masks, experiment))
    assert tuned.training.learning_rate == pytest.approx(0.1 * kept.training.learning_rate)
    assert tuned.training.warmup == 0 < kept.training.warmup
    assert densities(tuned.masks) == densities(kept.masks)


def _dense(experiment):
    result = method_of(experiment.config).result(experiment.config)
    (dense,) = (one for one in result.inputs if one.name == "dense")
    return dense.folder(experiment.config)


def test_a_second_round_removes_more_of_what_the_first_has_left(begin):
    one, two = (begin(*TICKET, f"method.rounds=[{number}]") for number in (1, 2))
    total = sum(mask.numel() for mask in one.masks.values())
    assert sum(densities(two.masks).values()) == round(0.4 * total)
    assert not any((two.masks[name] & ~mask).any() for name, mask in one.masks.items())
    third = begin(*TICKET, "method.rounds=[2]", "method.rate_of=remaining")
    assert sum(densities(third.masks).values()) == round(0.7**2 * total)


@pytest.mark.parametrize("words", [TICKET, AT_START, CARRIED], ids=lambda words: words[0])
def test_a_shuffled_mask_has_each_matrix_density_and_the_same_weights_below_it(begin, words):
    words = _whole(words)
    plain, other = (begin(*words, f"method.control={control}") for control in ("none", "shuffled"))
    assert densities(plain.masks) == densities(other.masks)
    assert not any(torch.equal(plain.masks[name], other.masks[name]) for name in plain.masks)
    assert all(bits(other.weights, first(other.experiment), other.masks, other.experiment))


def _whole(words):
    if words is TICKET:
        return (*words, "method.rounds=[1]")
    return (*words, f"method.mask={masked_model()}") if words is CARRIED else words


@pytest.mark.parametrize("words", [TICKET, CARRIED], ids=lambda words: words[0])
def test_a_random_mask_has_the_density_of_the_ticket_in_every_matrix(begin, words):
    plain, other = (begin(*_whole(words), f"method.control={control}") for control in ("none", "random"))
    assert densities(plain.masks) == densities(other.masks)
    for name, mask in plain.masks.items():
        share = (mask & other.masks[name]).sum() / mask.sum()
        assert share.item() == pytest.approx(mask.float().mean().item(), abs=0.03)


@pytest.mark.parametrize("words", [TICKET, AT_START, CARRIED], ids=lambda words: words[0])
def test_reinitialised_weights_are_all_others_under_the_same_mask(begin, words):
    plain, other = (begin(*_whole(words), f"method.control={control}") for control in ("none", "reinitialised"))
    assert all(torch.equal(plain.masks[name], other.masks[name]) for name in plain.masks)
    drawn = {name for name, values in other.weights.items() if values.unique().numel() > 2}
    for name in drawn:
        both = (plain.weights[name] != 0) & (other.weights[name] != 0)
        assert both.any() and (plain.weights[name] != other.weights[name])[both].float().mean() > 0.999


def test_layers_change_places_under_the_mask_of_the_ticket(begin):
    plain, other = (
        begin(*TICKET, "method.rounds=[1]", f"method.control={control}") for control in ("none", "layers_permuted")
    )
    assert all(torch.equal(plain.masks[name], other.masks[name]) for name in plain.masks)
    model = other.experiment.networks.random()
    model.load_state_dict(first(other.experiment))
    permute_layers(model, torch.Generator().manual_seed(0))
    assert all(bits(other.weights, dict(model.named_parameters()), other.masks, other.experiment))


@pytest.mark.parametrize("words", [(*TICKET, "method.rounds=[1]"), AT_START], ids=lambda words: words[0])
def test_the_inverted_criterion_removes_what_the_other_one_keeps(begin, words):
    """At half the weights the two are complements."""
    half = [word.replace("0.3", "0.5").replace("0.4", "0.5") for word in words]
    plain, other = (begin(*half, f"method.control={control}") for control in ("none", "inverted"))
    assert all(torch.equal(plain.masks[name], ~other.masks[name]) for name in plain.masks)


def test_another_seed_finds_another_random_mask(begin):
    words = ("method=at_initialization", "method.criterion=random", "target.density=0.4")
    masks = [begin(*words, f"data_seed={0}", seed=seed).masks for seed in (0, 1)]
    assert not any(torch.equal(masks[0][name], masks[1][name]) for name in masks[0])


def test_a_structured_ticket_removes_whole_units_and_keeps_to_its_density(begin):
    ticket = begin(*STRUCTURED, "method.rounds=[1]")
    sublayers = ticket.experiment.networks.sublayers
    for sublayer in sublayers:
        *inputs, output = (ticket.masks[name].float() for name in named_matrices([sublayer]))
        units = by_unit(sublayer.output, output.amax(0, keepdim=True))[0].amax(1)
        assert set(units.tolist()) <= {0.0, 1.0}
        for matrix, mask in zip(sublayer.inputs, inputs, strict=True):
            assert torch.equal(by_unit(matrix, mask.amax(1).unsqueeze(0))[0].amin(1), units)
            assert torch.equal(mask.amin(1), mask.amax(1))
    total, kept = (sum(f(m) for m in ticket.masks.values()) for f in (torch.numel, torch.sum))
    assert 0.66 < kept / total <= 0.7
    worst = begin(*STRUCTURED, "method.rounds=[1]", "method.control=inverted")
    assert densities(worst.masks) != densities(ticket.masks)
    for control in ("random", "shuffled"):
        other = begin(*STRUCTURED, "method.rounds=[1]", f"method.control={control}")
        assert densities(other.masks) == densities(ticket.masks)
        assert any(not torch.equal(other.masks[name], mask) for name, mask in ticket.masks.items())


def test_a_mask_is_carried_over_as_it_is(begin):
    carried = begin(*CARRIED, f"method.mask={masked_model()}")
    model = carried.experiment.networks.dense(SimpleNamespace(model=masked_model()))
    found = nonzero(model.base_model, named_matrices(carried.experiment.networks.sublayers))
    assert all(torch.equal(carried.masks[name], found[name]) for name in found)
    assert all(bits(carried.weights, first(carried.experiment), carried.masks, carried.experiment))


def test_the_units_that_a_compact_model_has_lost_are_part_of_its_mask(begin, finished_runs, tmp_path):
    folder = finished_runs.copy("struct", tmp_path / "other")
    carried = begin(*CARRIED, f"method.mask={folder}", "method.finish=compact")
    kept = sum(densities(carried.masks).values())
    from prune.results.record import Record

    assert kept == Record.read(folder / "record.json").linear_params


def test_late_rewinding_goes_back_to_the_weights_after_some_steps(begin, monkeypatch):
    """The stage before leaves them; here, untrained, they are those of the start."""
    ticket = begin(*TICKET, "method.rounds=[1]", "method.rewind=4 steps")
    experiment = ticket.experiment
    assert [stage.name for stage in method_of(experiment.config).result(experiment.config).chain()] == [
        "dense", "early_dense", "round_1", "compact",
    ]  # fmt: skip
    assert all(bits(ticket.weights, first(experiment), ticket.masks, experiment))


def test_the_pooler_is_pruned_by_request_alone(begin):
    plain, pooled = (begin(*TICKET, "method.rounds=[1]", f"method.pooler={asked}") for asked in ("false", "true"))
    name = "bert.pooler.dense.weight"
    assert (plain.weights[name] != 0).all()
    assert 0.1 < (pooled.weights[name] == 0).float().mean() < 0.6


def test_a_training_under_another_mask_than_is_there_now_is_not_taken_for_this_one(begin, tmp_path):
    mask = shutil.copytree(masked_model(), tmp_path / "mask")
    words = (*CARRIED, f"method.mask={mask}")
    begin(*words)
    begin(*words)
    file = mask / "model.safetensors"
    tensors = load_file(file)
    tensors["bert.encoder.layer.0.intermediate.dense.weight"].zero_()
    save_file(tensors, file, {"format": "pt"})
    with pytest.raises(UserError, match="was trained under another mask than is at method.mask="):
        begin(*words)
