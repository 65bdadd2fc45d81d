"""Cards of models from strangers: no code of theirs is run, or named to be; no text of theirs is markup."""

import json

import pytest

from prune.cli.main import main
from prune.report.cards.write import CARD, write_card
from prune.report.summary import repeat_command
from tests.report.folders import configured
from tests.report.strangers import ESCAPES, run


def test_no_code_of_a_folder_is_run(tmp_path, capsys):
    folder = run(tmp_path / "outputs")
    ran = tmp_path / "ran"
    (folder / "model" / "modeling_pruned.py").write_text(f"open({str(ran)!r}, 'w')")
    pickled = f"cos\nsystem\n(S'touch {ran}'\ntR.".encode()
    for name in ("pytorch_model.bin", "optimizer.pt", "training_args.bin", "model.pkl"):
        (folder / "model" / name).write_bytes(pickled)
    for words in (["report", tmp_path / "outputs"], ["table", tmp_path / "outputs"], ["show", folder]):
        main(list(map(str, words)))
    assert (folder / "model" / CARD).is_file()
    assert not ran.exists()


def card(folder, **config):
    """The card of a run whose model's config says this."""
    file = folder / "model" / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | config))
    return write_card(folder).read_text()


@pytest.mark.parametrize(
    "auto_map",
    [
        {"X, system; system('id') #": "modeling_pruned.PrunedBert"},
        {"AutoModel\nimport os": "modeling_pruned.PrunedBert"},
        {"AutoModelForSequenceClassification": "someone/else--modeling_pruned.PrunedBert"},
        {"AutoModelForSequenceClassification": "evil.PrunedBert"},
        {"AutoModelForSequenceClassification": 3},
        ["AutoModel"],
        "AutoModel",
    ],
)
def test_a_card_loads_a_model_by_known_classes_and_its_own_code_only(auto_map, tmp_path):
    text = card(run(tmp_path), auto_map=auto_map)
    assert "from transformers import AutoModelForSequenceClassification, AutoTokenizer, pipeline\n" in text
    assert "trust_remote_code" not in text


@pytest.mark.parametrize(
    ("auto_map", "auto_class"),
    [
        ({"AutoModel": "modeling_pruned.Bert", "AutoModelForX": "modeling_pruned.BertForX"}, "AutoModelForX"),
        ({"AutoModelForX": "evil.BertForX"}, "AutoModel"),
        ({"AutoModel; import os": "modeling_pruned.BertForX"}, "AutoModel"),
        (3, "AutoModel"),
    ],
)
def test_a_model_for_a_task_of_ones_own_is_loaded_by_its_class_or_without_its_head(auto_map, auto_class, tmp_path):
    config = configured(20)
    config["task"]["kind"] = "x"
    text = card(run(tmp_path, config=config), auto_map=auto_map, architectures=["BertForX"])
    assert f"from transformers import {auto_class}, AutoTokenizer\n" in text
    assert ("trust_remote_code=True" in text) == (auto_class == "AutoModelForX")


@pytest.mark.parametrize("shape", [[{"first_token": "`a` [b](c)"}], [{"first_token": 3}], [3], 3, {"a": 1}])
def test_a_card_names_modules_only(shape, tmp_path):
    assert "- tokens:" not in card(run(tmp_path), pruned_shape=shape)


@pytest.mark.parametrize("length", [3, 4, 9])
def test_a_recipe_stays_in_its_block(length, tmp_path):
    folder = run(tmp_path)
    ticks = "`" * length
    (folder / "recipe.yaml").write_text(f"a: 1\n{ticks}\n# out\n{ticks}python\n{ESCAPES}")
    text = card(folder)
    fence = next(line for line in text.splitlines() if line.endswith("`yaml")).removesuffix("yaml")
    assert len(fence) > length
    assert "# out" in text.split(f"{fence}yaml")[1].split(f"\n{fence}\n")[0]
    assert "\x1b" not in text


MARKUP = "[a](javascript:alert) ![b](http://c/d.png) <script> `e` | www.f.g --- # *h*"


def test_names_are_no_markup_in_a_card_and_its_front_matter_is_valid(tmp_path):
    from huggingface_hub import ModelCard

    config = configured(20)
    config["task"] |= {"subset": "a\n---\nb: c", "metrics": ["a\n---\n", "accuracy"], "kind": "\n---\n"}
    config["model"] |= {"path": MARKUP, "name": MARKUP}
    names = dict.fromkeys(("task", "model", "method", "setting", "measured_on"), MARKUP)
    folder = run(tmp_path, config=config, scores={MARKUP: {"accuracy": 0.5}}, **names)
    found = ModelCard.load(write_card(folder))
    assert found.data.eval_results[0].dataset_name == MARKUP
    assert found.data.metrics[1] == "accuracy"
    bare = found.text.replace("\\[", "").replace("\\<", "").replace("![Where each matrix", "")
    assert "[a]" not in bare
    assert "![" not in bare
    assert "<script" not in bare
    assert "http://c" not in bare


@pytest.mark.parametrize(
    ("head", "asked"),
    [
        ("# prune recipe=<path of this file> model.path=<folder>", " model.path=<folder>"),
        ("# prune recipe=<path of this file>" + " teacher=<folder>" * 2, " teacher=<folder>" * 2),
        ("# prune recipe=<path of this file>", ""),
        ("# prune recipe=<path of this file>; touch ran", ""),
        ("# prune recipe=<path of this file> model.path=$(touch ran)", ""),
        ("# prune recipe=<path of this file> outputs=<folder>", ""),
        ("# prune recipe=<path of this file> task.path=<folder> && touch ran", ""),
    ],
)  # fmt: skip
def test_the_command_that_repeats_a_run_is_no_command_of_its_recipe(head, asked, tmp_path):
    assert (
        repeat_command(f"# @package _global_\n{head}\n", tmp_path) == f"prune recipe={tmp_path / 'recipe.yaml'}{asked}"
    )
