"""What was kept of a run for its page is data: it is not believed if it cannot be drawn."""

import json

import pytest

from tests.report.strangers import described, run

CHANGES = {
    "stages of no list": lambda kept: kept.update(stages=3),
    "a stage that is none": lambda kept: kept["stages"].append(3),
    "a stage of another name": lambda kept: kept["stages"][-1].update(name="\x01"),
    "a time in words": lambda kept: kept["stages"][-1].update(seconds="long"),
    "an endless time": lambda kept: kept["stages"][-1].update(seconds=float("inf")),
    "a curve of unequal length": lambda kept: kept["stages"][-1]["curves"][0].update(values=[1.0]),
    "a curve without a step": lambda kept: kept["stages"][-1]["curves"][0].update(values=[], steps=[]),
    "a curve of NaN": lambda kept: kept["stages"][-1]["curves"][0].update(values=[float("nan")] * 5),
    "a curve of no panel": lambda kept: kept["stages"][-1]["curves"][0].update(panel="../../x"),
    "a curve with a control character": lambda kept: kept["stages"][-1]["curves"][0].update(series="\x01"),
    "no base64": lambda kept: kept["sublayers"][0].update(kept="!!"),
    "fewer bits than units": lambda kept: kept["sublayers"][0].update(num_units=9),
    "a billion units": lambda kept: kept["sublayers"][0].update(num_units=10**9),
    "another number of units kept": lambda kept: kept["sublayers"][0].update(num_kept=4),
    "another site": lambda kept: kept["sublayers"][0].update(site="../x"),
    "a name with a control character": lambda kept: kept["sublayers"][0].update(name="\x01"),
    "no matrices": lambda kept: kept["sublayers"][0].update(matrices=None),
    "a picture that is elsewhere": lambda kept: _picture(kept, "compact", "file:///etc/passwd"),
    "a picture on the net": lambda kept: _picture(kept, "compact", "https://example.com/a.png"),
    "a picture of another kind": lambda kept: _picture(kept, "compact", "data:image/svg+xml;base64,PHN2Zy8+"),
    "a picture of a stage that leads out": lambda kept: _picture(kept, "../../../x", _address(kept)),
    "a density of another stage": lambda kept: kept["sublayers"][0]["matrices"][0].update(density={"fill": 1.0}),
    "an unknown field": lambda kept: kept.update(more=1),
    "a missing field": lambda kept: kept["sublayers"][0].pop("site"),
    "a recipe of a number": lambda kept: kept.update(recipe=3),
    "no files": lambda kept: kept.update(files=None),
    "too many layers": lambda kept: kept.update(sublayers=kept["sublayers"] * 1000),
}  # fmt: skip


def _address(kept):
    return kept["sublayers"][0]["matrices"][0]["pictures"]["compact"]


def _picture(kept, stage, address):
    kept["sublayers"][0]["matrices"][0].update(pictures={stage: address}, density={stage: 1.0})


@pytest.mark.parametrize("change", CHANGES)
def test_what_was_kept_of_a_run_is_not_believed_if_it_cannot_be_drawn(change, tmp_path):
    folder = run(tmp_path)
    true = described(folder)
    file = folder / "report.json"
    kept = json.loads(file.read_text())
    CHANGES[change](kept)
    file.write_text(json.dumps(kept))
    assert described(folder) == true
    assert json.loads(file.read_text()) != kept


@pytest.mark.parametrize("content", [b"[" * 100_000, b"\xff", b"{}", b"3", b'{"version": true}'])
def test_a_damaged_file_of_what_was_kept_is_none(content, tmp_path):
    folder = run(tmp_path)
    true = described(folder)
    (folder / "report.json").write_bytes(content)
    assert described(folder) == true
