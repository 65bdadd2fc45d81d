"""The model card: what the hub reads, and what a person does."""

import json
import re

import pytest
from huggingface_hub import ModelCard
from huggingface_hub.repocard_data import EvalResult

from prune.report.cards.metadata import hub_name
from prune.report.cards.write import CARD, write_card, write_missing_cards
from tests.report.folders import configured, measured, save, with_model

NASTY = "a|b <script>alert(1)</script>"


def card(tmp_path, **values):
    one = measured(2, **{"config": configured(20), **values})
    folder = with_model(save(tmp_path, one, "a"), heads=[0, 3], dimensions=[1, 2, 5])
    return ModelCard.load(write_card(folder)), folder


def test_the_front_matter_is_what_the_hub_expects(tmp_path):
    found, _ = card(tmp_path)
    data = found.data
    assert (data.base_model, data.datasets, data.metrics) == ("someone/small", ["nyu-mll/glue"], ["accuracy"])
    assert (data.library_name, data.pipeline_tag) == ("transformers", "text-classification")
    (result,) = data.eval_results
    assert isinstance(result, EvalResult)
    assert (result.metric_type, result.metric_value, result.dataset_type) == ("accuracy", 0.8512, "nyu-mll/glue")
    assert (result.dataset_config, result.dataset_split) == ("sst2", "validation")
    assert data.to_dict()["model-index"][0]["name"] == "small-sst2-hybrid"


def test_the_text_tells_results_with_hardware_what_was_pruned_and_how_to_load_it(tmp_path):
    found, folder = card(tmp_path)
    assert "| accuracy, validation | 85.12 | 87.00 |" in found.text
    assert "| 32 x 8 tokens | 40 ms | 80 ms | 2.00 |" in found.text
    assert "Measured on a processor, 2 threads, float32" in found.text
    assert "- attention: kept or removed by block of 4 x 4, scored by soft_movement" in found.text
    assert "- heads kept, per attention: 2, 0" in found.text
    assert "tokens:" not in found.text
    (picture,) = re.findall(r"!\[.*?\]\((.*?)\)", found.text)
    assert (folder / "model" / picture).read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("kind", ["question_answering", "summarization", "a_kind_of_ones_own"])
def test_a_task_without_a_pipeline_is_a_tag(kind, tmp_path):
    config = configured(20)
    config["task"]["kind"] = kind
    data = card(tmp_path, config=config)[0].data
    assert data.pipeline_tag is None
    assert data.tags == ["pruned", "prune", kind.replace("_", "-")]
    assert data.eval_results[0].task_type == kind.replace("_", "-")


def test_a_mask_that_was_given_has_no_criterion(tmp_path):
    config = configured(20)
    config["method"]["attention"] |= {"criterion": "", "grain": "element"}
    found, _ = card(tmp_path, config=config)
    assert "- attention: kept or removed by element, as the mask of another model has it" in found.text


def test_the_recipe_is_there_without_its_reference(tmp_path):
    recipe = re.search(r"````yaml\n(.*?)````", card(tmp_path)[0].text, re.DOTALL)[1]
    assert recipe.startswith("# @package _global_")
    assert "reference" not in recipe


def test_the_run_gets_its_figures_as_files(tmp_path):
    _, folder = card(tmp_path)
    names = {file.stem for file in (folder / "figures").glob("*.svg")}
    assert {"heads", "counts-feed_forward", "maps-compact", "curves-loss", "latency"} <= names
    assert names == {file.stem for file in (folder / "figures").glob("*.png")}


def test_names_are_shown_not_run(tmp_path):
    found, _ = card(tmp_path, setting=NASTY)
    assert not re.search(r"(?<!\\)<script", found.text)
    assert "a\\|b \\<script\\>" in found.text


def test_a_local_copy_of_a_known_model_has_its_name_and_an_unknown_one_has_none(tmp_path):
    assert hub_name("model", {"name": "bert_base", "path": "/data/bert"}) == "google-bert/bert-base-uncased"
    assert hub_name("model", {"name": "bert_base", "path": "someone/other"}) == "someone/other"
    assert hub_name("model", {"name": "mine", "path": str(tmp_path)}) is None
    assert hub_name("task", {"name": "demo", "path": "pkg://demo/data"}) is None


def test_a_model_of_no_known_origin_has_a_card_too(tmp_path):
    config = configured(20)
    config["model"] = {"name": "mine", "path": str(tmp_path)}
    config["task"] |= {"path": str(tmp_path), "name": "mine"}
    found, _ = card(tmp_path, config=config)
    assert found.data.base_model is None
    assert found.data.eval_results[0].dataset_type == "sst2"
    assert str(tmp_path) not in found.text


def test_a_card_is_written_where_there_is_none_and_what_goes_wrong_is_told(tmp_path):
    good = with_model(save(tmp_path, measured(2, config=configured(20)), "good"), [0], [1])
    bad = with_model(save(tmp_path, measured(2, config={}), "bad"), [0], [1])
    problems = write_missing_cards(tmp_path)
    assert (good / "model" / CARD).is_file()
    assert [str(bad / "model" / CARD) in problem for problem in problems] == [True]
    written = (good / "model" / CARD).stat().st_mtime_ns
    write_missing_cards(tmp_path)
    assert (good / "model" / CARD).stat().st_mtime_ns == written


def test_a_run_without_a_record_has_no_card(tmp_path):
    with pytest.raises((OSError, ValueError)):
        write_card(tmp_path)


def test_a_real_run_has_a_card_and_a_page(finished_runs, tmp_path):
    from prune.report.page.write import write_report

    folder = finished_runs.copy("hybrid_filled", tmp_path)
    found = ModelCard.load(write_card(folder))
    assert found.data.eval_results
    assert re.search(r"- tokens: from `encoder\.layer\.\d\.attention\.output` on, the first one only", found.text)
    assert (folder / "model" / "weights.png").is_file()
    assert write_report(tmp_path).is_file()
    stages = json.loads((folder / "report.json").read_text())["stages"]
    assert [stage["name"] for stage in stages if stage["curves"]] == ["dense", "prune", "fill"]
