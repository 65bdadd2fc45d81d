"""The figure of a metric over density, on the page and as a file."""

import json
import re

import pytest

from prune.report.figures.density import drawn
from prune.report.figures.theme import IN_PAGE, LIGHT
from prune.report.page.write import write_report
from tests.report.density_records import at_initialization, ran, swept
from tests.report.folders import configured, measured, save
from tests.report.test_page import NASTY, content

SECTION = "Metric against density"


def saved(outputs, records):
    """The page over `records`."""
    for number, one in enumerate(records):
        folder = outputs / f"{number:03}" / f"seed_{one.seed}"
        folder.mkdir(parents=True)
        (folder / "record.json").write_text(json.dumps(vars(one)))
    return write_report(outputs)


def channels(spec):
    """What each line is drawn with: channel -> name of the line -> value."""
    encodings = {channel: one for layer in spec["layer"] for channel, one in layer["encoding"].items()}
    scales = {channel: encodings[channel]["scale"] for channel in ("stroke", "strokeDash", "fill", "shape")}
    return {channel: dict(zip(scale["domain"], scale["range"], strict=True)) for channel, scale in scales.items()}


def axis(spec, name):
    return next(layer["encoding"][name] for layer in spec["layer"] if "field" in layer["encoding"].get(name, {}))


def test_a_page_without_a_sweep_has_no_place_for_one(tmp_path):
    save(tmp_path, measured(2, config=configured(20), linear_density=0.3), "a")
    page = write_report(tmp_path)
    assert content(page)["densities"] == []
    assert SECTION not in page.read_text()
    assert 'href="#density"' not in page.read_text()


def test_two_models_and_two_metrics_have_figures_of_their_own(tmp_path):
    page = saved(tmp_path, swept() + swept(model="larger") + swept(metric="f1") + swept(task="mnli"))
    titles = ["mnli, small: accuracy", "sst2, larger: accuracy", "sst2, small: accuracy", "sst2, small: F1"]
    found = content(page)
    assert [figure["title"] for figure in found["densities"]] == titles
    assert SECTION in page.read_text()
    for figure in found["densities"]:
        assert len(figure["data"]["points"]) == 3
        assert len(figure["data"]["dense"]) == 1
        (name,) = channels(found["specs"][figure["kind"]])["stroke"]
        assert name == "lottery_ticket"
    written = {file.name for file in (tmp_path / "figures").glob("*-densities.*")}
    parts = ("mnli-small-accuracy", "sst2-larger-accuracy", "sst2-small-accuracy", "sst2-small-f1")
    assert written == {f"{part}-densities.{form}" for part in parts for form in ("svg", "png")}


def test_figures_of_one_name_are_files_of_their_own():
    records = swept() + swept(task_version=2)
    assert len({figure.name for figure, _ in drawn(records, LIGHT)}) == 2


def test_a_point_says_its_mean_its_spread_and_opens_its_runs():
    records = [ran(0.9), ran(0.5, value=0.80), ran(0.5, value=0.82, seed=1)]
    ((figure, _),) = drawn(records, LIGHT)
    single, several = figure.data["points"]
    assert "low" not in single
    assert (several["value"], several["runs"], several["density"]) == (81.0, [1, 2], 0.5)
    assert (several["low"], several["high"]) == (79.586, 82.414)
    assert several["spoken"] == (
        "lottery_ticket, density 0.5: accuracy 81.00 ± 1.41; against dense -6.00 ± 1.41 points; density 0.5"
    )
    assert ("seeds", "0, 1") in several["facts"]


def test_the_dense_model_has_a_band_where_it_has_several_seeds():
    ((figure, _),) = drawn(swept(), LIGHT)
    assert "low" not in figure.data["dense"][0]
    ((figure, _),) = drawn(swept() + swept(seeds=(1,), dense_value=0.89), LIGHT)
    (dense,) = figure.data["dense"]
    assert (dense["label"], dense["density"], dense["value"]) == ("dense small", 1.0, 88.0)
    assert dense["low"] == pytest.approx(88 - 2**0.5, abs=0.001)


def test_a_control_is_dashed_and_hollow_in_the_colour_of_what_it_is_the_control_of():
    records = swept() + swept(control="random") + swept(control="shuffled") + at_initialization("snip")
    ((_, spec),) = drawn(records, LIGHT)
    by = channels(spec)
    ticket, random, shuffled = (f"lottery_ticket{end}" for end in ("", ", random", ", shuffled"))
    assert by["stroke"][ticket] == by["stroke"][random] == by["stroke"][shuffled] == by["fill"][ticket]
    assert by["stroke"]["at_initialization"] != by["stroke"][ticket]
    assert by["strokeDash"][ticket] == by["strokeDash"]["at_initialization"] == [1, 0]
    assert len({str(by["strokeDash"][name]) for name in (ticket, random, shuffled)}) == 3
    assert len({by["shape"][name] for name in (ticket, random, shuffled)}) == 3
    assert by["fill"][random] == by["fill"][shuffled] == LIGHT["paper"]


def test_a_method_has_its_colour_of_the_frontier_in_every_figure():
    records = [measured(2, method="a"), *swept(), *at_initialization("snip"), *at_initialization("snip", task="mnli")]
    first, second = (channels(spec)["stroke"] for _, spec in drawn(records, IN_PAGE))
    assert first == {"at_initialization": "var(--series-1)"}
    assert second == first | {"lottery_ticket": "var(--series-2)"}


@pytest.mark.parametrize(("smallest", "kind"), [(0.4, None), (0.1, None), (0.05, "log"), (0.0, None)])
def test_density_falls_from_left_to_right_and_small_ones_are_told_apart(smallest, kind):
    ((_, spec),) = drawn(at_initialization("snip", (0.5, smallest)), LIGHT)
    x = axis(spec, "x")
    assert x["scale"]["reverse"]
    assert x["scale"].get("type") == kind
    assert x["title"] == "density (share of the prunable weights that is left)"
    assert axis(spec, "y")["title"] == "accuracy (points)"


def test_the_file_names_every_line(tmp_path):
    saved(tmp_path, swept(seeds=(0, 1)) + swept(control="random"))
    svg = (tmp_path / "figures" / "sst2-small-accuracy-densities.svg").read_text()
    texts = {text: float(x) for x, text in re.findall(r"<text[^>]*translate\(([\d.-]+),[^>]*>([^<]*)</text>", svg)}
    assert {"lottery_ticket", "lottery_ticket, random", "dense small"} <= texts.keys()
    assert texts["1.0"] < texts["0.9"] < texts["0.5"] < texts["0.2"]
    assert "var(" not in svg


HOSTILE = [NASTY, "\u202eabc", "a" * 255, "\U0001f600" * 60, "\\", "\"' + data('x') + '", "{title}"]


@pytest.mark.parametrize("name", HOSTILE, ids=lambda text: ascii(text)[:24])
def test_names_of_strangers_are_data(name, tmp_path):
    names = {"model": name, "method": name, "task": name, "metric": name}
    page = saved(tmp_path, swept((0.5, 0.02), **names) + swept((0.5, 0.02), control=name, **names))
    assert page.read_text().count("</script>") == 4
    (figure,) = content(page)["densities"]
    assert figure["data"]["dense"][0]["label"] == f"dense {name}"
    assert len(list((tmp_path / "figures").glob("*.svg"))) == 5


@pytest.mark.parametrize("control", ["\x1b[2J\n", "x" * 90_000, "\x7f"], ids=["escape", "long", "del"])
def test_a_control_of_a_stranger_is_short_and_on_one_line(control, tmp_path):
    page = saved(tmp_path, swept((0.9, 0.5), setting="s", own={"rounds": 1}, control=control) + swept())
    names = {row["name"] for figure in content(page)["densities"] for row in figure["data"]["points"]}
    assert len(names) == 2
    assert all(name.isprintable() and len(name) < 130 for name in names)


@pytest.mark.parametrize(
    "values", [{"value": 1e99}, {"value": -1e99}, {"linear_density": 1e99}, {"linear_density": -1}]
)
def test_numbers_of_strangers_are_drawn(values, tmp_path, capsys):
    records = swept(seeds=(0, 1))
    for name, number in values.items():
        setattr(records[0], name, number)
    page = saved(tmp_path, records)
    json.dumps(content(page)["densities"], allow_nan=False)
    assert len(list((tmp_path / "figures").glob("*-densities.svg"))) == 1
