"""Every recipe that ships: it composes, fits the shape of its model, and its settings reach training."""

from dataclasses import replace
from operator import attrgetter

import pytest
from transformers import BartConfig, BertConfig

from prune import published
from prune.config.keys import flatten
from prune.config.schema import Config
from prune.files.paths import shipped
from prune.methods.fine_pruning.training import spread
from prune.recipes import library
from prune.runtime import registry
from prune.training.settings import Trainings
from prune.validation import check
from tests.composing import all_composed

FILES = sorted(shipped("recipes").rglob("*.yaml"))
_LARGE = {"hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16, "intermediate_size": 4096}
_BART = {"d_model": 768} | dict.fromkeys(("encoder_layers", "decoder_layers"), 6)
_BART |= dict.fromkeys(("encoder_attention_heads", "decoder_attention_heads"), 12)
SHAPES = {
    "bert_base": BertConfig(),
    "bert_large": BertConfig(**_LARGE),
    "minilm": BertConfig(hidden_size=384, num_hidden_layers=6, num_attention_heads=12, intermediate_size=1536),
    "bart_base": BartConfig(**_BART | dict.fromkeys(("encoder_ffn_dim", "decoder_ffn_dim"), 3072)),
}
"""Choice of model -> its shape."""
INPUTS = {"squad": 88_524, "mnli": 392_702}
"""Task -> training inputs of BERT (of SQuAD more than questions: long texts have several windows)."""
PUBLISHED = {
    **{f"squad/bert_large_{number}": f"SQuAD v1.1 #{number}" for number in (2, 3)},
    **{f"squad/bert_base_{number}": f"SQuAD v1.1 #{number}" for number in (4, 6, 7, 8, 9, 10)},
    **{f"mnli/bert_base_{number}": f"MNLI #{number}" for number in (2, 3, 4, 5)},
}
"""Recipe -> the network's name in the published tables."""


def name_of(file):
    return file.relative_to(shipped("recipes")).with_suffix("").as_posix()


@pytest.fixture(scope="module")
def configs():
    """Recipe -> its configs, one for each target."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["prune"])
        return {name: all_composed(f"recipe={name}") for name in library.names()}


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_a_shipped_recipe_is_read_and_says_what_it_is(file):
    assert set(library.read(file)) <= {"defaults", *Config.__dataclass_fields__}
    first, *rest = file.read_text().splitlines()
    heading = rest[: rest.index("defaults:")]
    assert first == "# @package _global_"
    assert len(heading) >= 2
    assert all(line.startswith("# ") for line in heading)
    assert heading[-1] == f"# prune recipe={name_of(file)}"


@pytest.mark.parametrize("name", library.names())
def test_a_shipped_recipe_composes(name, configs):
    config, *_ = configs[name]
    content = library.read(library.find(name))
    chosen = library.choices_of(content)
    renamed = {group: content[group]["name"] for group in chosen if "name" in content.get(group, {})}
    if config.model.shape:
        assert config.model.name.startswith(f"{chosen['model']}_")
        renamed["model"] = config.model.name
    assert {group: getattr(config, group).name for group in chosen} == chosen | renamed
    assert content.get("model", {}).get("shape", {}) == config.model.shape
    for assignment in flatten({key: content[key] for key in content if key not in ("defaults", "target")}):
        if assignment.key.startswith("model.shape."):
            continue
        assert attrgetter(assignment.key)(config) == assignment.value if assignment.key.count(".") < 3 else True


def test_blocks_divide_the_matrices_of_every_recipes_model(configs, tmp_path):
    """What `prune` checks of a model that lies in a folder; that of a hub name is not known before it is there."""
    seen = set()
    for config, *_ in configs.values():
        choice = "bart_base" if config.model.name == "bart_from_scratch" else config.model.name
        sites = (config.method.attention, config.method.feed_forward)
        kind = (choice, config.method.kind, *((site.grain, *site.block) for site in sites))
        if choice == "demo" or config.model.shape or kind in seen:
            continue
        seen.add(kind)
        SHAPES[choice].save_pretrained(tmp_path / choice)
        check(replace(config, model=replace(config.model, path=str(tmp_path / choice))))
    assert {choice for choice, *_ in seen} == set(SHAPES)


@pytest.mark.parametrize("name", library.names())
def test_penalty_and_grains_reach_the_masks(name, configs, make_bert, sublayers):
    config, *_ = configs[name]
    method = config.method
    if method.kind != "fine_pruning":
        pytest.skip(f"{method.kind} trains no masks")
    model = make_bert(hidden_size=64, num_attention_heads=2, intermediate_size=96)
    masks = spread(model, model.base_model, sublayers(model), method, seed=0)
    sites = {"attention": method.attention, "feed_forward": method.feed_forward}
    assert masks.sites.keys() == {site for site, settings in sites.items() if not settings.stays}
    for site, found in masks.sites.items():
        settings = sites[site]
        assert found.criterion is registry.module("criteria", settings.criterion).CRITERION
        assert (found.grain, list(found.block)) == (settings.grain, settings.block)
        assert (found.density, found.threshold) == (method.density, method.threshold)
        assert found.penalty == method.penalty * settings.penalty_weight
    if method.attention.criterion == "soft_movement":
        masks.advance(1.0)
        weights = method.attention.penalty_weight + method.feed_forward.penalty_weight
        assert masks.penalty().item() == pytest.approx(method.penalty * weights * 0.5 / 2), "all scores are 0 at first"


def test_a_published_network_with_a_lighter_penalty_on_feed_forward(configs):
    (config,) = configs["squad/bert_base_7"]
    method = config.method
    assert (method.penalty, method.attention.penalty_weight, method.feed_forward.penalty_weight) == (20.0, 1.0, 0.25)
    assert (method.attention.block, method.feed_forward.grain, method.threshold) == ([32, 32], "dimension", 0.1)


@pytest.mark.parametrize(
    ("name", "steps", "warmup", "cooldown", "fill_steps"),
    [
        ("squad/bert_base_4", 110_660, 5_400, 54_000, 22_132),
        ("squad/bert_base_10", 110_660, 5_400, 54_000, None),
        ("squad/bert_base_large_teacher_10", 110_660, 5_400, 54_000, 55_330),
        ("squad/bert_large_2", 221_320, 5_400, 54_000, 55_330),
        ("mnli/bert_base_5", 147_264, 12_000, 48_000, 73_632),
    ],
)
def test_the_schedule_of_a_published_network_reaches_training(name, steps, warmup, cooldown, fill_steps, configs):
    (config,) = configs[name]
    trainings = Trainings(config, INPUTS[config.task.name])
    training = trainings.prune
    assert (training.steps, training.warmup) == (steps, warmup)
    assert (training.learning_rate, training.score_learning_rate) == (3e-5, 1e-2)
    ramp = trainings.ramp(training)
    assert ramp(warmup) == 0 < ramp(warmup + 1) < 1 == ramp(steps - cooldown)
    assert ramp(steps - cooldown - 1) < 1
    filling = trainings.fill
    assert (filling.warmup, filling.learning_rate) == (10, 3e-5)
    assert fill_steps is None or filling.steps == fill_steps
    assert (config.distillation.alpha_ce, config.distillation.alpha_teacher) == (0.1, 0.9)
    assert (config.distillation.temperature, config.method.threshold) == (2.0, 0.1)


def test_every_published_network_has_a_recipe_that_promises_what_was_published(configs):
    networks = {network.name: network for network in published.networks()}
    assert sorted(PUBLISHED.values()) == sorted(networks)
    for name, number in PUBLISHED.items():
        (config,) = configs[name]
        network, promised = networks[number], config.reference
        assert (config.task.name, config.model.name.replace("_", "-")) == (network.task, network.base)
        assert config.method.name == network.method
        assert round(100 * promised.main_score[1], 2) == network.metric
        assert promised.linear_density == pytest.approx(network.linear_density, abs=1e-4)
        assert list(promised.scores) == config.task.eval_splits
        for metrics in promised.scores.values():
            assert list(metrics) == config.task.metrics
        assert config.teacher not in ("dense", "none")


def test_the_speed_ups_of_bert_large_are_relative_to_itself(configs):
    """As in records. The published ones are relative to BERT-base, 1 / 0.322 times as fast."""
    for name in ("squad/bert_large_2", "squad/bert_large_3"):
        network = {network.name: network for network in published.networks()}[PUBLISHED[name]]
        (config,) = configs[name]
        assert config.reference.speedup == pytest.approx(network.speedup / 0.322, rel=0.01)


def test_what_was_not_published_promises_no_scores(configs):
    for name in ("qqp/bert_base", "sst2/bert_base", "cnn_dailymail/bart_base"):
        (config,) = configs[name]
        assert config.reference.scores == {}
        assert config.reference.linear_density is None
