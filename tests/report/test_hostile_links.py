"""Links in folders from strangers: they lead no write and no read out of a run."""

import os
import shutil

import pytest

from prune.report.cards.write import CARD, write_missing_cards
from prune.report.page.write import write_report
from tests.report.strangers import files_under, run


@pytest.fixture
def victim(tmp_path):
    """A folder of somebody else's."""
    folder = tmp_path / "victim"
    folder.mkdir()
    for name in ("README.md", "heads.svg", "heads.png", "secret.yaml"):
        (folder / name).write_text("token: secret42\n")
    return folder


def test_links_lead_no_write_and_no_read_out_of_a_run(victim, tmp_path):
    folder = run(tmp_path / "outputs")
    before = files_under(victim)
    (folder / "recipe.yaml").unlink()
    (folder / "recipe.yaml").symlink_to(victim / "secret.yaml")
    (folder / "figures").mkdir()
    for name in ("heads.svg", "heads.png"):
        (folder / "figures" / name).symlink_to(victim / name)
    (folder / "model" / CARD).symlink_to(victim / "README.md")
    os.utime(victim / "README.md", (1, 1))
    (folder / "report.json").symlink_to(victim / "README.md")
    assert write_missing_cards(tmp_path / "outputs") == []
    page = write_report(tmp_path / "outputs")
    assert files_under(victim) == before
    for file in (page, folder / "model" / CARD, folder / "report.json"):
        assert "secret42" not in file.read_text()


@pytest.mark.parametrize("name", ["figures", "model"])
def test_a_linked_folder_of_a_run_gets_no_card(name, victim, tmp_path):
    folder = run(tmp_path / "outputs")
    shutil.rmtree(folder / name, ignore_errors=True)
    (folder / name).symlink_to(victim)
    os.utime(victim / "README.md", (1, 1))
    before = files_under(victim)
    (problem,) = write_missing_cards(tmp_path / "outputs")
    assert "leads out of" in problem
    assert files_under(victim) == before
