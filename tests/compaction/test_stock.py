"""A compact model as a stock checkpoint: the same outputs, with no code but transformers'; or the reason why not."""

import json

import pytest
import torch
import transformers
from transformers import AutoModelForSequenceClassification

import prune
from prune.cli import main
from prune.compaction import saved_model
from prune.compaction.depth import depth_of, shallower
from prune.compaction.stock import plain
from prune.compaction.structure import Structure
from prune.errors import UserError
from prune.models.architecture import sublayers_of
from prune.report.inspection import inspect
from prune.results.layout import RunFolder
from prune.results.record import Record
from tests.architectures import ARCHITECTURES, NO_TOKENIZER, inputs


def prune_to(model, counts):
    """Leaves so many units in each sublayer (by its name), by default half of all dimensions and all heads."""
    sublayers = sublayers_of(model)
    usual = {s.name: s.num_units // 2 if s.site == "feed_forward" else s.num_units for s in sublayers}
    kept = {s.name: tuple(range(s.num_units))[: counts.get(s.name, usual[s.name])] for s in sublayers}
    structure = Structure(model.config.model_type, kept)
    structure.apply(model.base_model, sublayers)
    return structure


def pruned(model, **counts):
    prune_to(model, counts)
    return model


@pytest.mark.parametrize("name", ["bert", "gpt2"])
def test_a_model_that_was_loaded_leaves_its_structure_and_its_code_behind(name, tmp_path):
    model = ARCHITECTURES[name].model()
    saved_model.save(model, prune_to(model, {}), NO_TOKENIZER, tmp_path / "pruned")
    found = plain(prune.load(tmp_path / "pruned"))
    assert type(found) is type(ARCHITECTURES[name].model())
    found.save_pretrained(tmp_path / "plain")
    assert {file.name for file in (tmp_path / "plain").glob("*.py")} == set()
    assert not {"pruned_structure", "pruned_shape", "auto_map"} & found.config.to_dict().keys()
    batch = inputs(ARCHITECTURES[name])
    with torch.no_grad():
        assert torch.equal(found(**batch).logits, model(**batch).logits)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_the_same_outputs_from_stock_code(name, tmp_path):
    architecture = ARCHITECTURES[name]
    dense = architecture.model()
    model, batch = pruned(shallower(dense, depth_of(dense.config, 0.5)).eval()), inputs(architecture)
    plain(model).save_pretrained(tmp_path)
    loaded = getattr(transformers, architecture.auto_class).from_pretrained(tmp_path)
    assert type(loaded) is type(dense)
    assert "pruned_shape" not in json.loads((tmp_path / "config.json").read_text())
    with torch.no_grad():
        assert torch.equal(loaded(**batch).logits, model(**batch).logits)


@pytest.mark.parametrize(
    ("counts", "reason"),
    [
        (
            {"encoder.layer.1.attention": 3},
            "encoder.layer.1.attention has 3 of 4 heads left, and stock code computes their size from their number",
        ),
        (
            {"encoder.layer.1.feed_forward": 11},
            "encoder.layer.0.feed_forward has 12 dimensions and encoder.layer.1.feed_forward has 11, but a stock "
            "config has one intermediate_size for both",
        ),
        (
            {"encoder.layer.0.feed_forward": 0, "encoder.layer.1.feed_forward": 0},
            "encoder.layer.0.feed_forward has no dimension left, and stock code cannot do without",
        ),
    ],
)
def test_what_a_config_cannot_say_is_refused_with_the_layer(counts, reason, make_bert):
    with pytest.raises(UserError, match=f"^format=plain: {reason}"):
        plain(pruned(make_bert(), **counts))


@pytest.fixture(scope="module")
def run(finished_runs, tmp_path_factory):
    return finished_runs.copy("uniform", tmp_path_factory.mktemp("outputs"))


def test_a_uniform_run_becomes_a_stock_checkpoint(run, capsys):
    main.main(["export", f"run={run}", "format=plain"])
    own, found = Record.read(run / "record.json"), Record.read(RunFolder(run).exported("plain") / "record.json")
    assert (found.scores, found.params) == (own.scores, own.params)
    assert found.setting == "density 0.3, layers 0.67, stock"
    assert "stock" in capsys.readouterr().out
    model = AutoModelForSequenceClassification.from_pretrained(RunFolder(run).exported("plain"))
    assert (model.config.num_hidden_layers, model.config.intermediate_size) == (2, round(0.3 * 512))
    assert sum(parameter.numel() for parameter in model.parameters()) == own.params


def test_a_run_with_other_shapes_is_told_why_not(finished_runs, tmp_path, capsys):
    folder = RunFolder(finished_runs.copy("struct", tmp_path))
    with pytest.raises(SystemExit) as end:
        main.main(["export", f"run={folder.path}", "format=plain"])
    assert end.value.code == 2
    assert "format=plain: encoder.layer." in capsys.readouterr().err
    assert not folder.exported("plain").exists()


def test_the_record_counts_layers_left_out(run):
    record = Record.read(run / "record.json")
    assert (record.heads_kept, record.dimensions_kept) == ([4, 0, 4], [154, 0, 154])
    left = 2 * (4 * 128 * 128 + 2 * 154 * 128)
    assert record.linear_params == left
    assert record.linear_density == pytest.approx(left / (3 * (4 * 128 * 128 + 2 * 512 * 128)))
    assert record.speed[-1]["speedup_theoretical"] > 1.5


def test_inspection_shows_layers_left_out(run, capsys):
    main.main(["inspect", str(run)])
    out = " ".join(capsys.readouterr().out.split())
    assert "encoder.layer.1 │ left out │ left out" in out
    assert "encoder.layer.2 │ 4 of 4 heads │ 154 of 512 dimensions" in out
    record = Record.read(run / "record.json")
    found = inspect(run)
    assert (found.params, found.dense_params) == (record.params, record.dense_params)
    assert found.density == pytest.approx(record.linear_density)
