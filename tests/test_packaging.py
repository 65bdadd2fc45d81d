"""The command works from any folder, from a checkout and from an installed wheel."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from prune.files.paths import PACKAGE


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel's content, unpacked as an installer would."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(PACKAGE.parent)]
    subprocess.run(command, check=True, capture_output=True, text=True)
    (built,) = folder.glob("*.whl")
    with zipfile.ZipFile(built) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def _prune(site: Path, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(site)}
    command = [sys.executable, "-m", "prune", *words]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, env=environment, check=False)


@pytest.mark.parametrize("words", [("--help",), ("--cfg", "job", "recipe=demo")])
def test_an_installed_wheel_finds_its_own_configs_and_recipes(wheel: Path, tmp_path: Path, words: tuple[str]) -> None:
    result = _prune(wheel, tmp_path, *words)
    assert result.returncode == 0, result.stderr
    assert "hybrid_filled" in result.stdout
    if words == ("--help",):
        assert str(wheel / "prune" / "shipped" / "configs") in result.stdout


def test_a_wheel_carries_every_config_recipe_and_the_demo(wheel: Path) -> None:
    for folder in ("configs", "recipes"):
        expected = {file.relative_to(PACKAGE.parent) for file in (PACKAGE.parent / folder).rglob("*.yaml")}
        assert {
            file.relative_to(wheel / "prune" / "shipped")
            for file in (wheel / "prune" / "shipped" / folder).rglob("*.yaml")
        } == expected
    assert (wheel / "prune/demo/data/train.jsonl").stat().st_size > 0
    assert (wheel / "prune/demo/model/config.json").stat().st_size > 0
    assert (wheel / "prune/report/page/templates/report.html").stat().st_size > 0


def test_a_checkout_works_from_any_folder(tmp_path: Path) -> None:
    result = _prune(PACKAGE.parent, tmp_path, "--cfg", "job", "recipe=demo")
    assert result.returncode == 0, result.stderr
    assert list(tmp_path.iterdir()) == [], "showing a config leaves nothing behind"
