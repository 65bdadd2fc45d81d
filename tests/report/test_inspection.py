"""`prune inspect` says what is in a folder, by hand; and refuses what is no pruned model."""

import json

import pytest

from prune.cli import main
from prune.compaction import saved_model
from prune.compaction.structure import Structure
from prune.measure.size import num_parameters
from prune.report.inspection import inspect
from prune.results.layout import ORIGIN
from prune.results.origin import origin_of
from tests.architectures import NO_TOKENIZER
from tests.report.records import record

KEPT = {
    "encoder.layer.0.attention": (1,),
    "encoder.layer.0.feed_forward": (0, 5),
    "encoder.layer.1.attention": (),
    "encoder.layer.1.feed_forward": tuple(range(24)),
}


@pytest.fixture
def folder(make_bert, sublayers, tmp_path):
    model = make_bert()
    structure = Structure("bert", KEPT)
    structure.apply(model.base_model, sublayers(model))
    saved_model.save(model, structure, NO_TOKENIZER, tmp_path)
    return tmp_path


def shown(folder, capsys):
    main.main(["inspect", str(folder)])
    return " ".join(capsys.readouterr().out.split())


def test_sizes_and_counts_by_hand(folder, make_bert):
    found = inspect(folder)
    dense = num_parameters(make_bert())
    lost = 4 * 3 * (4 * 16) + 3 * 3 * 4 + 4 * 4 * (4 * 16) + 3 * 16 + 2 * 22 * 16 + 22
    assert (found.params, found.dense_params) == (dense - lost, dense)
    assert found.kept == {name: len(units) for name, units in KEPT.items()}
    left = 4 * 4 * 16 + 2 * 2 * 16 + 2 * 24 * 16
    assert found.density == pytest.approx(left / (2 * (4 * 16 * 16 + 2 * 24 * 16)))
    assert found.origin is None


def test_every_layer_is_shown(folder, capsys):
    out = shown(folder, capsys)
    assert "encoder.layer.0 │ 1 of 4 heads │ 2 of 24 dimensions" in out
    assert "encoder.layer.1 │ 0 of 4 heads │ 24 of 24 dimensions" in out
    assert "score" not in out
    assert "tokens" not in out


def test_where_other_tokens_are_left_out_is_shown(make_bert, sublayers, tmp_path, capsys):
    model = make_bert()
    structure = Structure("bert", KEPT | {"encoder.layer.1.attention": (2,)}, first_token_only=True)
    structure.apply(model.base_model, sublayers(model))
    saved_model.save(model, structure, NO_TOKENIZER, tmp_path)
    assert "tokens the first only, after encoder.layer.1.attention" in shown(tmp_path, capsys)


def test_its_origin_is_shown_where_the_folder_tells(folder, capsys):
    machine = {"gpu": None, "processor": "an abacus", "threads": 2, "packages": {"torch": "2"}}
    one = record(config={"model": {"path": "some/bert"}}, environment=machine, value=0.876, dense_value=0.9)
    one.measured_on = "an abacus"
    one.speed = [{"batch_size": 32, "length": 48, "speedup": 2.5, "speedup_theoretical": 3.0}]
    (folder / ORIGIN).write_text(json.dumps(origin_of(one)))
    out = shown(folder, capsys)
    assert "pruned from some/bert" in out
    assert "accuracy 87.60, dense 90.00" in out
    assert "2.50 times the dense model's (batch 32 x 48 tokens, an abacus)" in out


@pytest.mark.parametrize(
    ("words", "said"),
    [((), "name one folder"), (("one", "two"), "name one folder"), (("./nowhere",), "there is no such folder")],
)
def test_a_mistake_is_told(words, said, capsys):
    with pytest.raises(SystemExit) as end:
        main.main(["inspect", *words])
    assert end.value.code == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("text", ["{", "[]", "3"])
def test_a_damaged_origin_is_named(text, folder, capsys):
    (folder / ORIGIN).write_text(text)
    with pytest.raises(SystemExit) as end:
        main.main(["inspect", str(folder)])
    assert end.value.code == 2
    assert ORIGIN in capsys.readouterr().err
