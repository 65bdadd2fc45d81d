"""The page as a file: a pure function of what is there, with all that is there, and small."""

import base64
import gzip
import json
import random
import re
import shutil
import subprocess
import sys

import pytest

from prune.cli.main import main
from prune.files import confined
from prune.report.detail.matrices import Matrix, Sublayer
from prune.report.detail.run import Detail
from prune.report.figures.run import MAPS, figures_of
from prune.report.page import write
from prune.report.page.write import write_report
from tests.report.folders import DIMENSIONS, HEADS, configured, measured, save, swept, with_model

NASTY = "</script><img src=x onerror=alert(1)>&\"'`${1}"


def content(page, name="data"):
    """What a script element of the page holds."""
    (found,) = re.findall(rf'<script type="application/json" id="{name}">(.*?)</script>', page.read_text(), re.DOTALL)
    return json.loads(found)


def part(page, run, name):
    return json.loads(gzip.decompress(base64.b64decode(content(page, "parts")[run][name])))


def test_the_same_folder_gives_the_same_page_wherever_it_lies(tmp_path):
    first = write_report(swept(tmp_path / "a" / "outputs")).read_bytes()
    shutil.copytree(tmp_path / "a" / "outputs", tmp_path / "b" / "outputs")
    assert write_report(tmp_path / "b" / "outputs").read_bytes() == first
    assert str(tmp_path).encode() not in first


def test_figures_are_written_for_papers(tmp_path):
    write_report(swept(tmp_path))
    names = {file.name for file in (tmp_path / "figures").iterdir()}
    assert names == {
        f"sst2-{cost}.{form}" for cost in ("speedup", "density", "params", "latency") for form in ("svg", "png")
    }
    svg = (tmp_path / "figures" / "sst2-speedup.svg").read_text()
    assert "measured speed-up" in svg
    assert "accuracy, difference from dense (points)" in svg
    assert "var(" not in svg


def test_a_figure_that_did_not_change_is_not_drawn_again(tmp_path):
    write_report(swept(tmp_path))
    file = tmp_path / "figures" / "sst2-speedup.png"
    file.write_bytes(b"as it was")
    write_report(tmp_path)
    assert file.read_bytes() == b"as it was"
    save(tmp_path, measured(9, method="new"), "c")
    write_report(tmp_path)
    assert file.read_bytes() != b"as it was"


def test_names_are_data(tmp_path):
    one = measured(2, model=NASTY, method=NASTY, setting=NASTY, warnings=[NASTY], config=configured(20, note=NASTY))
    file = tmp_path / "run" / "record.json"
    file.parent.mkdir()
    file.write_text(json.dumps(vars(one)))
    page = write_report(tmp_path)
    assert page.read_text().count("</script>") == 4
    assert content(page)["runs"][0]["title"] == f"{NASTY}, {NASTY}"


def test_the_table_is_that_of_prune_table(tmp_path):
    swept(tmp_path)
    found = content(write_report(tmp_path))
    assert found["columns"] == ["model", "method", "params", "metric", "difference", "speed-up"]
    runs = [entry for entry in found["entries"] if entry["runs"]]
    assert sorted(number for entry in runs for number in entry["runs"]) == list(range(9))
    replicates = next(entry for entry in runs if len(entry["runs"]) == 3)
    assert replicates["cells"][0] == "small, sst2, 3 seeds"
    assert replicates["sort"][3] == pytest.approx(0.86)
    assert ["small, sst2", "struct, penalty 60", "30 %", "accuracy 84.00 *", "-3.00", "8.00x"] in [
        e["cells"] for e in runs
    ]


def test_a_run_with_its_model_is_told_in_detail(tmp_path):
    one = measured(2, config=configured(20))
    with_model(save(tmp_path, one, "a"), heads=[0, 3], dimensions=[1, 2, 5])
    page = write_report(tmp_path)
    heads, dimensions = part(page, 0, "kept")
    assert (heads["units"], dimensions["units"]) == (HEADS, DIMENSIONS)
    assert base64.b64decode(heads["kept"]) == bytes([0b10010000])
    figures = {figure["name"]: figure["data"] for figure in part(page, 0, "figures")}
    states = [row["state"] for row in figures["heads"]["heads"]]
    assert states == ["kept", "removed", "removed", "kept"]
    assert figures["counts-feed_forward"]["counts"][0]["text"] == "3 of 6"
    assert figures["latency"]["latency"][0]["ms"] == 4.0
    assert {"curves-loss", "curves-density", "curves-threshold", "curves-penalty"} <= figures.keys()
    (maps,) = part(page, 0, "maps")
    assert len(maps["data"]["maps"]) == 6


def test_without_its_model_a_run_is_still_told_as_it_was(tmp_path):
    folder = with_model(save(tmp_path, measured(2, config=configured(20)), "a"), heads=[0, 3], dimensions=[1, 2, 5])
    first = write_report(tmp_path).read_bytes()
    shutil.rmtree(folder / "model")
    shutil.rmtree(folder / "filled")
    assert write_report(tmp_path).read_bytes() == first


def test_a_model_that_changed_is_looked_at_again(tmp_path):
    folder = with_model(save(tmp_path, measured(2, config=configured(20)), "a"), heads=[0, 3], dimensions=[1, 2, 5])
    write_report(tmp_path)
    shutil.rmtree(folder / "model")
    shutil.rmtree(folder / "filled")
    with_model(folder, heads=[2], dimensions=[])
    kept = part(write_report(tmp_path), 0, "kept")
    assert [base64.b64decode(one["kept"]) for one in kept] == [bytes([0b00100000]), bytes([0])]


def test_a_bare_record_is_told_with_what_it_has(tmp_path):
    save(tmp_path, measured(2, config={}, environment={}, peak_memory_bytes={}, seconds={}), "a")
    figures = {figure["name"]: figure["data"] for figure in part(write_report(tmp_path), 0, "figures")}
    assert [row["text"] for row in figures["counts-attention"]["counts"]] == ["2", "0"]
    assert "maps" not in content(tmp_path / "report.html", "parts")[0]


def test_a_killed_run_a_refused_one_and_a_broken_record_are_named(tmp_path):
    swept(tmp_path)
    killed = tmp_path / "sst2" / "small" / "hybrid" / "dead" / "seed_0"
    (killed / "compacted").mkdir(parents=True)
    (killed / "compacted" / "stage.json").write_text(json.dumps({"seconds": 2.0, "peak_memory_bytes": 5, "data": {}}))
    refused = killed.parents[1] / "mistaken" / "seed_0"
    refused.mkdir(parents=True)
    (refused / "error.txt").write_text("refused: the loss is not finite\n")
    broken = tmp_path / "sst2" / "small" / "hybrid" / "broken" / "seed_0"
    broken.mkdir(parents=True)
    (broken / "record.json").write_text("{")
    found = content(write_report(tmp_path))
    dead, mistaken = found["runs"][-2:]
    assert (dead["status"], dead["folder"]) == ("interrupted", "sst2/small/hybrid/dead/seed_0")
    assert ["finished stages", "compact"] in dead["facts"]
    assert mistaken["status"] == "refused: the loss is not finite"
    assert {run["status"] for run in found["runs"][:-2]} == {""}
    assert any("broken" in problem for problem in found["problems"])


def test_a_folder_that_cannot_be_written_is_told_too(tmp_path, monkeypatch):
    folder = with_model(save(tmp_path, measured(2, config=configured(20)), "a"), heads=[0], dimensions=[1])

    written = confined.write

    def refuse(root, file, content):
        if file.name == "report.json":
            raise PermissionError("read-only")
        written(root, file, content)

    monkeypatch.setattr(confined, "write", refuse)
    assert part(write_report(tmp_path), 0, "kept")
    assert not (folder / "report.json").exists()


def test_two_thousand_runs_fit(tmp_path, monkeypatch):
    monkeypatch.setattr(write, "write_frontiers", lambda *_: None)
    text = json.dumps(vars(measured(2, config=configured(20))))
    for number in range(2000):
        folder = tmp_path / "sst2" / "small" / "hybrid" / f"{number:08x}" / "seed_0"
        folder.mkdir(parents=True)
        changed = {"penalty 20": f"penalty {number}", '"penalty": 20': f'"penalty": {number}'}
        one = text
        for before, after in changed.items():
            one = one.replace(before, after)
        (folder / "record.json").write_text(one)
        noise = base64.b64encode(random.Random(number).randbytes(6000)).decode()
        (folder / "recipe.yaml").write_text(noise)
    page = write_report(tmp_path)
    assert 5_000_000 < page.stat().st_size < 15_000_000
    parts = content(page, "parts")
    assert parts[-1]
    assert not parts[0]


def test_nothing_heavy_is_imported(tmp_path):
    swept(tmp_path)
    script = (
        "import sys; from pathlib import Path; from prune.report.page.write import write_report; "
        f"write_report(Path({str(tmp_path)!r})); print({{'torch', 'transformers', 'datasets'}} & set(sys.modules))"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout == "set()\n"


def test_the_verb_says_where_the_page_is(tmp_path, capsys):
    with_model(save(tmp_path, measured(2, config=configured(20)), "a"), heads=[0], dimensions=[1])
    main(["report", str(tmp_path)])
    assert f"{tmp_path / 'report.html'}" in capsys.readouterr().err.replace("\n", "")
    assert (tmp_path / "sst2/small/hybrid/a/seed_0/model/README.md").is_file()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["report", "nowhere"], "nowhere: there is no such folder"),
        (["report", "a", "b"], "name one folder"),
        (["show"], "name one folder"),
        (["show", "nowhere"], "nowhere: there is no such folder"),
    ],
)
def test_a_mistake_is_answered_with_the_next_step(words, said, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as end:
        main(words)
    assert end.value.code == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(("verb", "said"), [("report", "holds no run"), ("show", "is not the folder of a run")])
def test_a_folder_without_runs_is_named(verb, said, tmp_path, capsys):
    with pytest.raises(SystemExit) as end:
        main([verb, str(tmp_path)])
    assert end.value.code == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(("filled", "shown"), [("same", ["fill"]), ("other", ["compact", "fill"])])
def test_what_a_fill_did_not_change_is_drawn_once(filled, shown):
    pictures = {"compact": "same", "fill": filled}
    matrix = Matrix("up", rows=4, columns=4, density={"compact": 1.0, "fill": 1.0}, pictures=pictures)
    layer = Sublayer("layer.0.feed_forward", "feed_forward", 4, 4, "8A==", [matrix])
    names = [figure.name for figure in figures_of(None, Detail(sublayers=[layer])) if figure.kind == MAPS]
    assert names == [f"maps-{stage}" for stage in shown]
