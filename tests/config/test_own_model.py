"""A model of one's own: `model=custom`, called by the last part of its path unless it is given a name."""

import shutil

import pytest

from prune.files.paths import PACKAGE
from tests.config.test_schema import composed, problems

OWN = ("task=demo", "model=custom", "model.pretrained=false")


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("models/my-bert_v1.5", "my-bert_v1.5"),
        ("./models/my-bert_v1.5/", "my-bert_v1.5"),
        ("organisation/a-model", "a-model"),
        ("pkg://demo/model", "model"),
    ],
)
def test_a_model_of_ones_own_is_called_by_the_last_part_of_its_path(path, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(PACKAGE / "demo/model", tmp_path / "models/my-bert_v1.5")
    assert composed(*OWN, f"model.path={path}").model.name == name
    assert composed(*OWN, f"model.path={path}", "model.name=mine").model.name == "mine"
    monkeypatch.chdir(tmp_path / "models/my-bert_v1.5")
    assert composed(*OWN, "model.path=.").model.name == "my-bert_v1.5"


def test_a_model_of_ones_own_without_its_path_is_refused_with_what_to_do(tmp_path, monkeypatch):
    """Whatever lies in the folder that the command was called in."""
    shutil.copy(PACKAGE / "demo/model/config.json", tmp_path)
    monkeypatch.chdir(tmp_path)
    found = problems(*OWN, "method.layers=0.5")
    assert found == ["model.path is empty: name a local folder or a hub name, as in model.path=<folder>"]


def test_a_folder_whose_name_no_run_folder_can_have_is_refused_with_the_key_to_set(tmp_path):
    folder = tmp_path / "my model"
    shutil.copytree(PACKAGE / "demo/model", folder)
    (problem,) = problems(*OWN, f"model.path={folder}")
    assert problem.startswith("model.name=my model: a name is part of the run folder's: letters")
